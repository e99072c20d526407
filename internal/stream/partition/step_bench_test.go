package partition

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/fetchtest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watermark"
)

// BenchmarkStep reads records up to the chunks of 16 shards, which nobody applies. An op is one record.
func BenchmarkStep(b *testing.B) {
	const many = 10_000
	log := fetchtest.Log{make([]records.Record, many)}
	for i := range log[0] {
		log[0][i] = fetchtest.Click(fmt.Sprint(i), fetchtest.ClicksAt+int64(i))
	}
	program := enginetest.Compile(b, clicksPack)
	in := make([]chan shard.Message, 16)
	for i := range in {
		in[i] = make(chan shard.Message, 1000)
	}
	m := metrics.New(prometheus.NewRegistry(), program)
	s := NewShared(Options{
		Deciding: Deciding{Program: program}, Source: log, Shards: in, Alignment: watermark.NewAlignment(1, 16, 0, func() {}),
		Retrier: metrics.NewRetrier(m, slog.New(slog.DiscardHandler)), Metrics: m.Intake,
	})
	p := s.New(shard.NewAssignment("events", 0, 0, 16))
	p.log.open(0)
	b.ReportAllocs()
	for n := 0; n < b.N; n += many {
		p.log.stream.SeekTo(0)
		p.next, p.decide.decidedTo, p.decide.reportedTo = 0, 0, 0
		p.decide.in.IDs.Reset()
		if err := p.step(b.Context()); err != nil {
			b.Fatal(err)
		}
		for _, c := range in {
			for len(c) > 0 {
				p.Assignment.Pool.Put((<-c).Chunk)
			}
		}
	}
}
