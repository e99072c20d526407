package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/board"
	"github.com/seed-afe14ff2/aggregator/internal/stream"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/stream/listing"
	"github.com/seed-afe14ff2/aggregator/internal/stream/overview"
	"github.com/seed-afe14ff2/aggregator/internal/stream/tail"
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

// show prepares what the board shows: the store, the end of the topic of crossings, and what Kafka knows of the group. It has
// connections of its own, which end gives back. The board is connected when it is told of packs, and again when others are in force.
func show(b *board.Board, s *shown) (packs func(*reloaded), end func()) {
	source, endSource := s.kafka.TailSource(tail.FetchBytes)
	endOf := func(topic string) *tail.Tail {
		return tail.New(tail.Options{Source: source, Topic: topic, Most: s.crossings, Log: s.log})
	}
	crossings := endOf(s.kafka.Crossings)
	lookout := s.kafka.NewLookout()
	o := &overview.Reader{Store: s.store, Shards: s.shards, Events: s.kafka.Events, Log: lookout, Group: lookout}

	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { crossings.Run(ctx) })
	var shadow *board.Announced
	if s.kafka.Shadow != "" {
		tried := endOf(s.kafka.Shadow)
		running.Go(func() { tried.Run(ctx) })
		shadow = &board.Announced{Topic: s.kafka.Shadow, Crossings: tried}
	}
	packs = func(r *reloaded) {
		subjects := &inspect.Reader{Program: r.program, Store: s.store, Shards: s.shards, Partitions: o.AllPartitions}
		sources := &board.Sources{
			Program: r.program, Announced: board.Announced{Topic: s.kafka.Crossings, Crossings: crossings}, Shadow: shadow,
			Overview: o, Rates: s.service.Rates, Subjects: subjects,
		}
		if s.listed {
			sources.Nearest = &listing.Reader{Program: r.program, Store: s.store, Shards: s.shards, Since: subjects.Since}
		}
		b.Connect(sources)
		b.RulesInForce(board.Rules{Loaded: time.Now(), Failing: r.set.failing})
	}
	return packs, func() {
		stop()
		running.Wait()
		endSource()
		lookout.Close()
	}
}
