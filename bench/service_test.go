//go:build linux

package bench

import (
	"context"
	"flag"
	"log/slog"
	"os"
	"runtime"
	"runtime/pprof"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/bench/gen"
	"github.com/seed-afe14ff2/aggregator/internal/stream"
)

var (
	profile = flag.String("profile", "", "where BenchmarkService puts CPU profiles, as FILE.plain, FILE.default ...; -cpuprofile would hold the loading too")
	allocs  = flag.String("allocs", "", "where it puts profiles of allocations, the loading included")
)

// BenchmarkService reads a backlog of half of -events with the service in this
// process, to be profiled. One operation is the whole backlog.
func BenchmarkService(b *testing.B) {
	x := newFixture(b)
	l := loadBacklog(b, x.kafka, "events", gen.Config{Seed: 42, Events: *events / 2})
	for _, j := range []job{plain, byDefault, small} {
		b.Run(j.name, func(b *testing.B) {
			x.b = b
			for b.Loop() {
				f := x.inProcess(j, l)
				b.ReportMetric(f.program, "cpu-s/M")
				b.ReportMetric(f.allocations, "allocs/event")
			}
		})
	}
}

// inProcess runs the service over a backlog in this process, with the default cache. Its figures
// are only the CPU times and the allocations.
func (x *fixture) inProcess(j job, l backlog) (f figures) {
	r := x.newRun(j, l.topic)
	r.watch()
	s := stream.New(stream.Options{
		Kafka:   stream.Kafka{Brokers: r.kafka.Addrs(), Group: r.group, Events: []string{r.topic}, Crossings: r.crossings},
		Program: j.program(x.b), Store: open(x.b, r.redis.addrs()...), Registry: prometheus.NewRegistry(), ListMost: j.listMost(), Log: slog.New(slog.DiscardHandler),
	})
	ctx, stop := context.WithCancel(x.b.Context())
	defer stop()
	ended := make(chan error, 1)
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	end := x.profiling(j.name)
	cpu := ownCPU()
	go func() { ended <- s.Run(ctx) }()
	r.awaitCommitted(l.ends)
	stop()
	if err := <-ended; err != nil {
		x.b.Fatal(err)
	}
	million := float64(l.events) / 1e6
	f.program = (ownCPU() - cpu).Seconds() / million
	end()
	runtime.ReadMemStats(&after)
	f.allocations = float64(after.Mallocs-before.Mallocs) / float64(l.events)
	r.cost(&f, l.events)
	r.redis.stop()
	return f
}

// profiling begins the profiles asked for and returns what ends them.
func (x *fixture) profiling(name string) (end func()) {
	create := func(path string) *os.File {
		f, err := os.Create(path + "." + name)
		if err != nil {
			x.b.Fatal(err)
		}
		return f
	}
	var cpu *os.File
	if *profile != "" {
		cpu = create(*profile)
		if err := pprof.StartCPUProfile(cpu); err != nil {
			x.b.Fatal(err)
		}
	}
	return func() {
		if cpu != nil {
			pprof.StopCPUProfile()
			cpu.Close()
		}
		if *allocs != "" {
			f := create(*allocs)
			defer f.Close()
			if err := pprof.Lookup("allocs").WriteTo(f, 0); err != nil {
				x.b.Fatal(err)
			}
		}
	}
}
