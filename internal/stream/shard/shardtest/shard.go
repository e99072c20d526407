package shardtest

import (
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/listing"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watermark"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// New is shard 0 of the only process, which reads the only partition. It stands at its fence.
func New(tb testing.TB, p *engine.Program, store windowstore.Store) (*shard.Shard, *shard.Assignment) {
	tb.Helper()
	return NewOf(tb, p, store, 1, 0)
}

// NewOf is shard 0 of one of some processes, which read a partition each. It stands at its fence.
func NewOf(tb testing.TB, p *engine.Program, store windowstore.Store, processes, which int) (*shard.Shard, *shard.Assignment) {
	tb.Helper()
	var partitions []position.TopicPartition
	for i := range processes {
		partitions = append(partitions, position.TopicPartition{Topic: "events", Partition: i})
	}
	m := metrics.New(prometheus.NewRegistry(), p)
	r := metrics.NewRetrier(m, slog.New(slog.DiscardHandler))
	o := shard.NewOptions(p, store, partitions, watermark.NewAlignment(processes, 1, 0, func() {}), r, m.Shards)
	o.OutboxMax, o.MaxAge, o.CacheBytes = 1<<30, 365*24*time.Hour, 1<<30
	o.Listing = listing.New(listing.Options{Program: p, Store: store, Shards: 2, Writer: o.Writer, Metrics: m.Lists, Calls: m.Calls})
	s, l := shard.New(0, o), shard.NewAssignment("events", which, which, 1)
	s.Peers.Store(int64(processes - 1))
	Begin(tb, s, l)
	return s, l
}

// Begin has a shard begin an assignment at its fence as stored. If there is none, one is stored at the start.
func Begin(tb testing.TB, s *shard.Shard, l *shard.Assignment) {
	tb.Helper()
	start := position.Position{Clock: engine.NoTime, Newest: engine.NoTime, Pack: s.Program.Hash}.AppendFence(nil, 0)
	fence, err := s.Store.PutAbsent(tb.Context(), 0, FenceKey(s, l.Index), start)
	if err != nil {
		tb.Fatal(err)
	}
	m, err := position.ParseFence(fence)
	if err != nil {
		tb.Fatal(err)
	}
	s.Begin(l, fence, m)
}

// FenceKey is the key of a shard's fence, by index of the partition.
func FenceKey(s *shard.Shard, partition int) []byte {
	p := s.Partitions[partition]
	return s.Keys.AppendFenceKey(nil, s.Number, p.Topic, p.Partition)
}
