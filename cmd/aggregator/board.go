package main

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/board"
	"github.com/seed-afe14ff2/aggregator/internal/stream"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/stream/listing"
	"github.com/seed-afe14ff2/aggregator/internal/stream/overview"
	"github.com/seed-afe14ff2/aggregator/internal/stream/tail"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// newBoard is the board of a process that starts now, some of whose packs fail their own tests. It shows nothing before show.
func newBoard(group string, failing map[string][]string) *board.Board {
	b, now := readBuild(), time.Now()
	return board.New(board.Process{Version: b.version, Revision: b.revision, Group: group, Started: now, Rules: board.Rules{Loaded: now, Failing: failing}})
}

// shown is what a board shows.
type shown struct {
	kafka     stream.Kafka
	crossings int // kept
	store     windowstore.Store
	shards    int
	listed    bool // there are lists of what is near a limit
	service   *stream.Service
	log       *slog.Logger
}

// sight is what connects a board to what it shows, and counts by it. It belongs to one goroutine.
type sight struct {
	*shown
	board     *board.Board
	crossings board.Announced
	shadow    *board.Announced // nil: there is no topic of them
	overview  *overview.Reader
	nearest   *listing.Reader // by the packs shown last; nil: nothing is listed
}

// show prepares what the board shows: the store, the end of the topic of crossings, and what Kafka knows of the group. It has
// connections of its own, which end gives back. The board is connected when it is told of packs, and again when others are in force.
func show(b *board.Board, s *shown) (x *sight, end func()) {
	source, endSource := s.kafka.TailSource(tail.FetchBytes)
	lookout := s.kafka.NewLookout()
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	announced := func(topic string) board.Announced {
		t := tail.New(tail.Options{Source: source, Topic: topic, Most: s.crossings, Log: s.log})
		running.Go(func() { t.Run(ctx) })
		return board.Announced{Topic: topic, Crossings: t}
	}
	x = &sight{
		shown: s, board: b, crossings: announced(s.kafka.Crossings),
		overview: &overview.Reader{Store: s.store, Shards: s.shards, Events: s.kafka.Events, Log: lookout, Group: lookout},
	}
	if s.kafka.Shadow != "" {
		tried := announced(s.kafka.Shadow)
		x.shadow = &tried
	}
	return x, func() {
		stop()
		running.Wait()
		endSource()
		lookout.Close()
	}
}

// packs has the board show what goes by packs that are in force now.
func (x *sight) packs(r *reloaded) {
	subjects := &inspect.Reader{Program: r.program, Store: x.store, Shards: x.shards, Partitions: x.overview.AllPartitions}
	sources := &board.Sources{
		Program: r.program, Announced: x.crossings, Shadow: x.shadow, Overview: x.overview, Rates: x.service.Rates, Unannounced: x.service.Unannounced, Subjects: subjects,
	}
	if x.listed {
		x.nearest = &listing.Reader{Program: r.program, Store: x.store, Shards: x.shards, Since: subjects.Since}
		sources.Nearest = x.nearest
	}
	x.board.Connect(sources)
	x.board.RulesInForce(board.Rules{Loaded: time.Now(), Failing: r.set.failing})
}

// openTimeout bounds how long a reload waits until the open episodes of rules are counted, which it only tells.
const openTimeout = 5 * time.Second

// open counts the open episodes that are listed of rules in force, by their ids; nil: they cannot be counted in time.
func (x *sight) open(ctx context.Context, rules []string) map[string]int {
	if x.nearest == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	open, err := x.nearest.Open(ctx, func(r *thresholds.Rule) bool { return slices.Contains(rules, r.ID) })
	if err != nil {
		x.log.Warn("open episodes of rules that are taken out were not counted", "rules", rules, "error", err)
		return nil
	}
	return open
}
