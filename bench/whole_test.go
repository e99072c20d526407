//go:build linux

package bench

import (
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/bench/gen"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
)

// backlogRun lets the program read a backlog, from its start to its end.
func (x *fixture) backlogRun(j job, l backlog) figures {
	r := x.newRun(j, l.topic)
	r.watch()
	p := startProgram(x.b, r.config())
	began := time.Now()
	var read servers.Metrics
	await(x.b, "the backlog to be read", 200*time.Millisecond, func() bool {
		read = p.metrics(x.b)
		return int(read.Sum("aggregator_events_total")) >= l.events
	})
	took := time.Since(began)
	r.awaitCommitted(l.ends)
	f := r.concluded(p, l, took)
	r.redis.stop()
	return f
}

// concluded ends a program that has read a backlog in that time and stored it, and returns what that cost.
func (r *run) concluded(p *program, l backlog, took time.Duration) figures {
	m := p.metrics(r.b)
	f := figures{rate: float64(l.events) / took.Seconds(), peak: peak(r.b, p.Program)}
	f.fromMetrics(m, l.events)
	f.program = p.stop(r.b).Seconds() / (float64(l.events) / 1e6)
	r.cost(&f, l.events)
	r.size(&f)
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
func (x *fixture) floorRun(l backlog) figures {
	runtime.GC()
	var f figures
	kafkaCPU := x.kafka.Broker(0).CPU()
	began, used := time.Now(), ownCPU()
	withFetch(x.kafka, l.topic, func(c *fetch.Client) {
		crossings, err := runFloor(x.b.Context(), c, l.topic, l.ends)
		if err != nil {
			x.b.Fatal(err)
		}
		f.announced, f.crossings = crossings, float64(len(crossings))
	})
	million := float64(l.events) / 1e6
	f.program = (ownCPU() - used).Seconds() / million
	f.kafka = (x.kafka.Broker(0).CPU() - kafkaCPU).Seconds() / million
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

// BenchmarkWhole lets the real program read a backlog from a real Kafka into a real Redis, and the
// floor the same backlog, in turns. "small, many" is a backlog with about half as many subjects as
// -events.
func BenchmarkWhole(b *testing.B) {
	x := newFixture(b)
	printf("%s", describe(x.redis()))
	l := loadBacklog(b, x.kafka, "events", gen.Config{Seed: 42, Events: *events})
	wide := loadBacklog(b, x.kafka, "wide", gen.Config{Seed: 42, Events: *events * 5 / 4, Incidents: *events / 20, Accounts: *events * 3 / 2})
	var t table
	for b.Loop() {
		for range *runs {
			floor := x.floorRun(l)
			t.note("floor", floor)
			for _, j := range []job{plain, byDefault, small, smallCached} {
				f := x.backlogRun(j, l)
				t.note(j.name, f)
				if j.name == plain.name && f.crossings != floor.crossings {
					b.Errorf("%v crossings, the floor has %v", f.crossings, floor.crossings)
				}
			}
		}
		t.note("small, many", x.backlogRun(small, wide))
	}
	printf("load average after: %s\n\n%s", loadAverage(), &t)
	both := func(f *figures) float64 { return f.program + f.redis }
	b.ReportMetric(t.median("floor", both), "floor-cpu-s/M")
	for _, j := range []job{plain, byDefault, small} {
		b.ReportMetric(t.median(j.name, both), j.name+"-cpu-s/M")
	}
	b.ReportMetric(t.median(plain.name, both)/t.median("floor", both), "plain/floor")
}
