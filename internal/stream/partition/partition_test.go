package partition

import (
	"log/slog"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watermark"
)

const clicksPack = `{pack: p, measures: {c: {sum: count, types: [click]}}, rules: [{id: r, by: incident, window: 1d, step: 1h, limits: {c: 9}}]}`

// sharing is what partitions of a log share that feed one shard, which nobody runs. What a test says otherwise is in change.
func sharing(t *testing.T, log fetch.Source, change func(o *Options)) *Shared {
	t.Helper()
	p := enginetest.Compile(t, clicksPack)
	m := metrics.New(prometheus.NewRegistry(), p)
	o := Options{
		Deciding: Deciding{Program: p}, Source: log, Shards: []chan shard.Message{make(chan shard.Message, 100)}, Alignment: watermark.NewAlignment(2, 1, 0, func() {}),
		Retrier: metrics.NewRetrier(m, slog.New(slog.DiscardHandler)), Metrics: m.Intake,
	}
	if change != nil {
		change(&o)
	}
	return NewShared(o)
}

// lone is a partition that reads a log.
func lone(t *testing.T, log fetch.Source) *Partition {
	t.Helper()
	return sharing(t, log, nil).New(shard.NewAssignment("events", 0, 0, 1))
}

// deciding is what decides about the records of a partition of which nothing is stored.
func deciding(t *testing.T, intake engine.IntakeOptions) *decider {
	t.Helper()
	d := newDecider(enginetest.Compile(t, clicksPack), &Options{Intake: intake}, func() (int64, bool) { return 0, false })
	return &d
}

// valueOf is a metric's value.
func valueOf(m prometheus.Metric) float64 {
	var x dto.Metric
	if err := m.Write(&x); err != nil {
		panic(err)
	}
	return x.GetCounter().GetValue()
}

// header is the value of the first header of a name.
func header(headers []kafka.Header, key string) string {
	for _, h := range headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}
