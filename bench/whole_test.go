//go:build linux

package bench

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/bench/gen"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
)

var (
	events = flag.Int("events", 2_000_000, "events of a backlog")
	runs   = flag.Int("runs", 3, "runs of each system on a backlog; the median is shown")
	span   = flag.Duration("span", 3*time.Hour, "the time that a backlog covers; by default as in the measurements of the peers")
	rate   = flag.Int("rate", 100_000, "events a second of a paced run")
	length = flag.Duration("length", 20*time.Second, "length of a paced run")
)

// job is a pack and the events it is for.
type job struct {
	name  string
	pack  string // its file; "": the built-in pack
	only  string // the one rule of the pack that is taken, for inProcess; "": all
	cache string // cache_bytes; "": the default
	// distinct is the measure, the rule of the same name, whose values add up to the
	// members stored; "": not counted.
	distinct string
}

var (
	plain     = job{name: "plain", pack: "testdata/plain.yaml", distinct: "accounts"}
	byDefault = job{name: "default"}
	small     = job{name: "small", pack: "testdata/small.yaml", distinct: "incidents"}
	// held is small with room for all its subjects in memory.
	held = job{name: "small, cache 512 MiB", pack: "testdata/small.yaml", distinct: "incidents", cache: "512MiB"}
)

// backlogRun lets the program read a backlog, from its start to its end.
func (d *bed) backlogRun(j job, l backlog) figures {
	t := d.trial(j, l.topic)
	t.watch()
	p := startProgram(d.b, t.config())
	began := time.Now()
	var read servers.Metrics
	await(d.b, "the backlog to be read", 200*time.Millisecond, func() bool {
		read = p.metrics(d.b)
		return int(read.Sum("aggregator_events_total")) >= l.events
	})
	took := time.Since(began)
	t.awaitCommitted(l.ends)
	f := t.concluded(p, l, took)
	t.redis.stop()
	return f
}

// concluded ends a program that has read a backlog in that time and stored it, and returns what that cost.
func (t *trial) concluded(p *program, l backlog, took time.Duration) figures {
	m := p.metrics(t.b)
	f := figures{rate: float64(l.events) / took.Seconds(), peak: peak(t.b, p.Program)}
	f.fromMetrics(m, l.events)
	f.program = p.stop(t.b).Seconds() / (float64(l.events) / 1e6)
	t.cost(&f, l.events)
	t.size(&f)
	return f
}

func (f *figures) fromMetrics(m servers.Metrics, events int) {
	var keys float64
	f.commits, _ = m.Histogram("aggregator_commit_seconds")
	_, keys = m.Histogram("aggregator_commit_keys")
	f.keys = keys / float64(events)
	f.allocations = m.Sum("go_memstats_mallocs_total") / float64(events)
}

// floorRun lets the floor read a backlog in this process.
func (d *bed) floorRun(l backlog) figures {
	runtime.GC()
	var f figures
	kafkaCPU := d.kafka.Broker(0).CPU()
	began, used := time.Now(), ownCPU()
	withFetch(d.kafka, l.topic, func(c *fetch.Client) {
		crossings, err := runFloor(d.b.Context(), c, l.topic, l.ends)
		if err != nil {
			d.b.Fatal(err)
		}
		f.said, f.crossings = crossings, float64(len(crossings))
	})
	million := float64(l.events) / 1e6
	f.program = (ownCPU() - used).Seconds() / million
	f.kafka = (d.kafka.Broker(0).CPU() - kafkaCPU).Seconds() / million
	f.rate = float64(l.events) / time.Since(began).Seconds()
	return f
}

// ownCPU is the CPU time this process has used.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic("BUG: " + err.Error())
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkWhole lets the real program read a backlog from a real Kafka into a
// real Redis, and the floor the same backlog, in turns. "small, many" is a backlog
// of some half as many subjects as -events.
func BenchmarkWhole(b *testing.B) {
	d := newBed(b)
	say("%s", describe(d.redis()))
	l := loadBacklog(b, d.kafka, "events", gen.Config{Seed: 42, Events: *events})
	wide := loadBacklog(b, d.kafka, "wide", gen.Config{Seed: 42, Events: *events * 5 / 4, Incidents: *events / 20, Accounts: *events * 3 / 2})
	var t table
	for b.Loop() {
		for range *runs {
			floor := d.floorRun(l)
			t.note("floor", floor)
			for _, j := range []job{plain, byDefault, small, held} {
				f := d.backlogRun(j, l)
				t.note(j.name, f)
				if j.name == plain.name && f.crossings != floor.crossings {
					b.Errorf("%v crossings, the floor has %v", f.crossings, floor.crossings)
				}
			}
		}
		t.note("small, many", d.backlogRun(small, wide))
	}
	say("load average after: %s\n\n%s", loadAverage(), &t)
	both := func(f *figures) float64 { return f.program + f.redis }
	b.ReportMetric(t.median("floor", both), "floor-cpu-s/M")
	for _, j := range []job{plain, byDefault, small} {
		b.ReportMetric(t.median(j.name, both), j.name+"-cpu-s/M")
	}
	b.ReportMetric(t.median(plain.name, both)/t.median("floor", both), "plain/floor")
}

// BenchmarkPaced sends events at an even rate while the program runs: what an
// event costs then, and how long a crossing takes. A backlog before warms Kafka up.
func BenchmarkPaced(b *testing.B) {
	d := newBed(b)
	say("%s", describe(d.redis()))
	d.backlogRun(plain, loadBacklog(b, d.kafka, "warm", gen.Config{Seed: 42, Events: 500_000}))
	var t table
	for b.Loop() {
		for _, j := range []job{plain, byDefault} {
			t.note(fmt.Sprintf("%s, %d/s", j.name, *rate), d.pacedRun(j))
		}
	}
	say("load average after: %s\n\n%s", loadAverage(), &t)
}

func (d *bed) pacedRun(j job) figures {
	count := int(float64(*rate) * length.Seconds())
	topic := fmt.Sprint("paced-", d.number+1)
	createTopics(d.kafka, topic, partitions)
	t := d.trial(j, topic)
	p := startProgram(d.b, t.config())
	from := p.metrics(d.b)
	t.watch()
	producer := newProducer(d.b, d.kafka, topic, partitions, 5*time.Millisecond)
	took := sendPaced(d.b, producer, gen.Config{Seed: 42, Events: count, Span: *length})
	ends, err := producer.flush(context.WithoutCancel(d.b.Context()))
	if err != nil {
		d.b.Fatal(err)
	}
	t.awaitCommitted(ends)
	m := p.metrics(d.b)
	f := figures{rate: float64(count) / took.Seconds(), peak: peak(d.b, p.Program)}
	f.fromMetrics(m, count)
	f.program = (m.Sum("process_cpu_seconds_total") - from.Sum("process_cpu_seconds_total")) / (float64(count) / 1e6)
	f.half, f.most = m.Quantile("aggregator_crossing_delay_seconds", 0.5), m.Quantile("aggregator_crossing_delay_seconds", 0.99)
	t.cost(&f, count)
	p.stop(d.b)
	t.size(&f)
	t.redis.stop()
	return f
}
