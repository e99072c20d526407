//go:build linux

package bench

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/bench/gen"
	"github.com/seed-afe14ff2/aggregator/internal/stream"
)

func BenchmarkZZPaced(b *testing.B) {
	x := newFixture(b)
	jobs := []job{byDefault, small}
	if os.Getenv("ZZ") != "" {
		jobs = []job{map[string]job{"default": byDefault, "small": small, "plain": plain}[os.Getenv("ZZ")]}
	}
	for b.Loop() {
		for _, j := range jobs {
			x.zz(j)
		}
	}
}

func (x *fixture) zz(j job) {
	b := x.b
	count := int(float64(*rate) * length.Seconds())
	topic := fmt.Sprint("paced-", x.number+1)
	createTopics(x.kafka, topic, partitions)
	r := x.newRun(j, topic)
	r.watch()
	s := stream.New(stream.Options{
		Kafka:   stream.Kafka{Brokers: r.kafka.Addrs(), Group: r.group, Events: []string{r.topic}, Crossings: r.crossings},
		Program: j.program(x.b), Store: open(x.b, r.redis.addrs()...), Registry: prometheus.NewRegistry(), ListMost: j.listMost(), Log: slog.New(slog.DiscardHandler),
	})
	ctx, stop := context.WithCancel(x.b.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	time.Sleep(5 * time.Second)
	r.redis[0].Do("CONFIG", "RESETSTAT")
	end := x.profiling(j.name)
	cpu := ownCPU()
	producer := newProducer(x.b, x.kafka, topic, partitions, 5*time.Millisecond)
	sendPaced(x.b, producer, gen.Config{Seed: 42, Events: count, Span: *length})
	ends, err := producer.flush(context.WithoutCancel(x.b.Context()))
	if err != nil {
		x.b.Fatal(err)
	}
	r.awaitCommitted(ends)
	stop()
	if err := <-ended; err != nil {
		x.b.Fatal(err)
	}
	end()
	var f figures
	r.cost(&f, count)
	printf("%s: %.2f s in all, producer too; Redis %.3f s/M", j.name, (ownCPU() - cpu).Seconds(), f.redis)
	stats := strings.Split(r.redis[0].Do("INFO", "commandstats"), "\n")
	sort.Strings(stats)
	var lines []string
	for _, l := range stats {
		lines = append(lines, strings.Join(strings.Split(strings.TrimSpace(l), ",")[:min(3, strings.Count(l, ",")+1)], " "))
	}
	printf("%s", strings.Join(lines, "\n"))
	r.redis.stop()
	_ = b
}
