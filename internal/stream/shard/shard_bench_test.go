package shard_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard/shardtest"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// BenchmarkShard has a shard apply chunks and commit each, over a store in memory: 1,000 subjects with sums and sets.
func BenchmarkShard(b *testing.B) {
	p := enginetest.Compile(b, `
pack: p
measures:
  clicks: {sum: count, types: [click]}
  accounts: {distinct: account, types: [click]}
rules:
  - {id: r, by: incident, window: 10d, step: 1h, limits: {clicks: 1000000000, accounts: 1000000}}
`)
	const chunks, events = 20, 1_000
	f := shardtest.NewFeeder(p)
	var list []*shard.Chunk
	for c := range chunks {
		at := time.Date(2026, 1, 1, c/4, 0, 0, 0, time.UTC).Format(time.RFC3339)
		var lines []string
		for i := range events {
			lines = append(lines, fmt.Sprintf(`{"id":"%d-%d","time":%q,"type":"click","incident":"inc-%d","account":"u-%d"}`, c, i, at, i*7%1_000, i*c%50))
		}
		list = append(list, f.Chunk(b, lines))
	}
	b.ReportAllocs()
	for b.Loop() {
		s, l := shardtest.New(b, p, windowstore.NewMem(1))
		for _, r := range list {
			if err := s.Take(b.Context(), l, r); err != nil {
				b.Fatal(err)
			}
			if err := s.Commit(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/chunks/events, "ns/event")
}
