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
	d := newBed(b)
	l := loadBacklog(b, d.kafka, "events", gen.Config{Seed: 42, Events: *events / 2})
	for _, j := range []job{plain, byDefault, small} {
		b.Run(j.name, func(b *testing.B) {
			d.b = b
			for b.Loop() {
				f := d.inProcess(j, l)
				b.ReportMetric(f.program, "cpu-s/M")
				b.ReportMetric(f.allocations, "allocs/event")
			}
		})
	}
}

// inProcess runs the service over a backlog in this process, with the default cache. Of the figures it has the CPU times and the allocations.
func (d *bed) inProcess(j job, l backlog) (f figures) {
	t := d.trial(j, l.topic)
	t.watch()
	s := stream.New(stream.Options{
		Kafka:   stream.Kafka{Brokers: t.kafka.Addrs(), Group: t.group, Events: []string{t.topic}, Crossings: t.crossings},
		Program: j.program(d.b), Store: open(d.b, t.redis.addrs()...), Registry: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
	})
	ctx, stop := context.WithCancel(d.b.Context())
	defer stop()
	ended := make(chan error, 1)
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	end := d.profiling(j.name)
	cpu := ownCPU()
	go func() { ended <- s.Run(ctx) }()
	t.awaitCommitted(l.ends)
	stop()
	if err := <-ended; err != nil {
		d.b.Fatal(err)
	}
	million := float64(l.events) / 1e6
	f.program = (ownCPU() - cpu).Seconds() / million
	end()
	runtime.ReadMemStats(&after)
	f.allocations = float64(after.Mallocs-before.Mallocs) / float64(l.events)
	t.cost(&f, l.events)
	t.redis.stop()
	return f
}

// profiling begins the profiles asked for and returns what ends them.
func (d *bed) profiling(name string) (end func()) {
	create := func(path string) *os.File {
		f, err := os.Create(path + "." + name)
		if err != nil {
			d.b.Fatal(err)
		}
		return f
	}
	var cpu *os.File
	if *profile != "" {
		cpu = create(*profile)
		if err := pprof.StartCPUProfile(cpu); err != nil {
			d.b.Fatal(err)
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
				d.b.Fatal(err)
			}
		}
	}
}
