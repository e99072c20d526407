//go:build linux

package bench

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/bench/gen"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
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

func (x *fixture) pacedRun(j job) figures { return x.pacedRuns(j)[0] }

// pacedRuns runs several jobs at the same time, on the same events, so that whatever else the machine does meets all of them. Kafka's
// figures are those of all together.
func (x *fixture) pacedRuns(jobs ...job) (all []figures) {
	count := int(float64(*rate) * length.Seconds())
	topic := fmt.Sprint("paced-", x.number+1)
	createTopics(x.kafka, topic, partitions)
	type running struct {
		*run
		program *program
		from    servers.Metrics
	}
	var list []running
	for _, j := range jobs {
		r := x.newRun(j, topic)
		list = append(list, running{run: r, program: startProgram(x.b, r.config())})
	}
	for i := range list {
		list[i].from = list[i].program.metrics(x.b)
		list[i].watch()
	}
	producer := newProducer(x.b, x.kafka, topic, partitions, 5*time.Millisecond)
	took := sendPaced(x.b, producer, gen.Config{Seed: 42, Events: count, Span: *length})
	ends, err := producer.flush(context.WithoutCancel(x.b.Context()))
	if err != nil {
		x.b.Fatal(err)
	}
	for _, r := range list {
		r.awaitCommitted(ends)
	}
	for _, r := range list {
		m := r.program.metrics(x.b)
		f := figures{rate: float64(count) / took.Seconds(), peak: peak(x.b, r.program.Program)}
		f.fromMetrics(m, count)
		f.program = (m.Sum("process_cpu_seconds_total") - r.from.Sum("process_cpu_seconds_total")) / (float64(count) / 1e6)
		f.half, f.most = m.Quantile("aggregator_crossing_delay_seconds", 0.5), m.Quantile("aggregator_crossing_delay_seconds", 0.99)
		r.cost(&f, count)
		all = append(all, f)
	}
	for i, r := range list {
		r.program.stop(x.b)
		r.size(&all[i])
		r.redis.stop()
	}
	return all
}
