//go:build linux

package bench

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/bench/gen"
)

// BenchmarkPaced sends events at an even rate while the program runs: what an
// event costs then, and how long a crossing takes. A backlog before warms Kafka up.
func BenchmarkPaced(b *testing.B) {
	x := newFixture(b)
	printf("%s", describe(x.redis()))
	x.backlogRun(plain, loadBacklog(b, x.kafka, "warm", gen.Config{Seed: 42, Events: 500_000}))
	var t table
	for b.Loop() {
		for _, j := range []job{plain, byDefault} {
			t.note(fmt.Sprintf("%s, %d/s", j.name, *rate), x.pacedRun(j))
		}
	}
	printf("load average after: %s\n\n%s", loadAverage(), &t)
}

func (x *fixture) pacedRun(j job) figures {
	count := int(float64(*rate) * length.Seconds())
	topic := fmt.Sprint("paced-", x.number+1)
	createTopics(x.kafka, topic, partitions)
	r := x.newRun(j, topic)
	p := startProgram(x.b, r.config())
	from := p.metrics(x.b)
	r.watch()
	producer := newProducer(x.b, x.kafka, topic, partitions, 5*time.Millisecond)
	took := sendPaced(x.b, producer, gen.Config{Seed: 42, Events: count, Span: *length})
	ends, err := producer.flush(context.WithoutCancel(x.b.Context()))
	if err != nil {
		x.b.Fatal(err)
	}
	r.awaitCommitted(ends)
	m := p.metrics(x.b)
	f := figures{rate: float64(count) / took.Seconds(), peak: peak(x.b, p.Program)}
	f.fromMetrics(m, count)
	f.program = (m.Sum("process_cpu_seconds_total") - from.Sum("process_cpu_seconds_total")) / (float64(count) / 1e6)
	f.half, f.most = m.Quantile("aggregator_crossing_delay_seconds", 0.5), m.Quantile("aggregator_crossing_delay_seconds", 0.99)
	r.cost(&f, count)
	p.stop(x.b)
	r.size(&f)
	r.redis.stop()
	return f
}
