//go:build slow

package e2e

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/bench/gen"
	"github.com/seed-afe14ff2/aggregator/internal/oracle"
)

// feeder sends events at a steady pace, beside whatever is done to those who count them, and keeps where each one landed.
type feeder struct {
	s      *site
	pace   int // records a second
	stages []stage
	end    func()

	judging logPosition // of the record that judge gives to the oracle

	mu        sync.Mutex
	positions []logPosition // by order of sending
	failed    error
}

// stage is what was sent of one generator.
type stage struct {
	config gen.Config
	g      *gen.Generator
	sent   int
}

// logPosition is where a record landed.
type logPosition struct {
	partition int32
	offset    int64
}

// feedTick is how often a feed sends.
const feedTick = 20 * time.Millisecond

// next has the feed go on with the records of a config. It must not be running.
func (f *feeder) next(c gen.Config) {
	f.stages = append(f.stages, stage{config: c, g: gen.New(c)})
}

// start begins to send.
func (f *feeder) start() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.run(ctx)
	}()
	f.end = func() { cancel(); <-ended }
}

func (f *feeder) run(ctx context.Context) {
	tick := time.NewTicker(feedTick)
	defer tick.Stop()
	owed, last := 0.0, time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			owed = min(owed+now.Sub(last).Seconds()*float64(f.pace), float64(f.pace))
			last = now
		}
		for ; owed >= 1; owed-- {
			f.send()
		}
	}
}

// send sends one record, and does not wait until it is safe.
func (f *feeder) send() {
	st := &f.stages[len(f.stages)-1]
	var r gen.Record
	if !st.g.Next(&r) {
		return
	}
	st.sent++
	f.mu.Lock()
	n := len(f.positions)
	f.positions = append(f.positions, logPosition{partition: int32(r.Partition), offset: -1})
	f.mu.Unlock()
	record := &kgo.Record{Topic: f.s.events, Partition: int32(r.Partition), Key: r.Key, Value: r.Value}
	f.s.client.Produce(context.Background(), record, func(r *kgo.Record, err error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.positions[n].offset = r.Offset
		if err != nil {
			f.failed = err
		}
	})
}

// stop ends the sending, and returns when everything sent is safe.
func (f *feeder) stop(t *testing.T) {
	t.Helper()
	f.end()
	ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
	defer cancel()
	if err := f.s.client.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed != nil {
		t.Fatal(f.failed)
	}
	for i := range f.stages {
		if st := &f.stages[i]; st.sent == st.config.Events {
			t.Fatalf("all %d events were sent before the faults were over", st.sent)
		}
	}
}

// judge has an oracle take every record that was sent, in the order of each partition. It leaves
// out those of the first stages and those that lost names.
func (f *feeder) judge(skip int, lost func(logPosition) bool, o *oracle.Oracle) *judgedEvents {
	judged := &judgedEvents{o: o}
	now := time.Now().UnixMilli()
	n := 0
	for i, st := range f.stages {
		var r gen.Record
		g := gen.New(st.config)
		for end := n + st.sent; n < end && g.Next(&r); n++ {
			if i >= skip && (lost == nil || !lost(f.positions[n])) {
				f.judging = f.positions[n]
				judged.wanted = append(judged.wanted, announcedOf(expectedOf(o.ApplyTo(r.Partition, r.Value, now)))...)
				judged.made++
			}
		}
	}
	return judged
}
