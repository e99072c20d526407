package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/board"
	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/stream/listing"
	"github.com/seed-afe14ff2/aggregator/internal/stream/overview"
	"github.com/seed-afe14ff2/aggregator/internal/stream/tail"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// newBoard is the board of a process that starts now. It shows nothing before show.
func newBoard(c *config) *board.Board {
	b, now := readBuild(), time.Now()
	return board.New(board.Process{Version: b.version, Revision: b.revision, Group: c.kafka.Group, Started: now, Loaded: now})
}

// show connects the board to what it shows: the store, the end of the topic of crossings, and what Kafka knows of the group. It has
// connections of its own, which end gives back.
func show(b *board.Board, c *config, p *engine.Program, store windowstore.Store, service *stream.Service, log *slog.Logger) (end func()) {
	source, endSource := c.kafka.TailSource(tail.FetchBytes)
	crossings := tail.New(tail.Options{Source: source, Topic: c.kafka.Crossings, Most: c.crossings, Log: log})
	lookout := c.kafka.NewLookout()
	o := &overview.Reader{Store: store, Shards: c.shards, Events: c.kafka.Events, Log: lookout, Group: lookout}

	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { crossings.Run(ctx) })
	subjects := &inspect.Reader{Program: p, Store: store, Shards: c.shards, Partitions: o.AllPartitions}
	sources := &board.Sources{Program: p, Topic: c.kafka.Crossings, Overview: o, Rates: service.Rates, Crossings: crossings, Subjects: subjects}
	if c.listMost > 0 {
		sources.Nearest = &board.Lists{Reader: listing.Reader{Program: p, Store: store, Shards: c.shards}, Since: subjects.Since}
	}
	b.Connect(sources)
	return func() {
		stop()
		running.Wait()
		endSource()
		lookout.Close()
	}
}
