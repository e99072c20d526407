package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watermark"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// deafOnce is a log that does not find an offset the first time it is asked.
type deafOnce struct {
	*simLog
	asked int
}

func (l *deafOnce) OffsetAt(ctx context.Context, topic string, partition int, ms int64) (int64, error) {
	if l.asked++; l.asked == 1 {
		return 0, errCut
	}
	return l.simLog.OffsetAt(ctx, topic, partition, ms)
}

// TestHoleToldOnce: a hole that a process meets again, whole or grown, it tells of once; another partition's is another.
func TestHoleToldOnce(t *testing.T) {
	p := compile(t, sweepPack)
	registry := prometheus.NewRegistry()
	log := &simLog{world: &simWorld{calm: true}, events: [][]sentEvent{nil, nil}, there: []int{0, 0}}
	o := &partition.Options{Program: p, Source: log, Holes: partition.NewHoles(), Dedupe: partition.NewDedupeCache(), Retrier: metrics.NewRetrier(metrics.New(registry, p), discard)}
	for _, met := range []struct {
		partition            int
		from, start, counted int64
	}{
		{0, 100, 150, 50}, {0, 100, 150, 50}, {0, 100, 170, 70}, {1, 100, 150, 120}, {0, 300, 310, 130},
	} {
		x := partition.New(o, shard.NewAssignment("events", met.partition, met.partition, 1)) // of another generation
		x.Stream = log.Open("events", met.partition, 0)
		if err := x.Skip(t.Context(), &fetch.OutOfRange{Offset: met.from, Start: met.start, End: 1_000}); err != nil || x.Next != met.start {
			t.Fatalf("%+v: at %d, %v", met, x.Next, err)
		}
		if got := series(t, registry, "aggregator_log_holes_records_total", "").GetCounter().GetValue(); got != float64(met.counted) {
			t.Errorf("%+v: %v records are counted", met, got)
		}
	}
}

// TestIDsReadBack: a partition that could not read its ids back does not take
// its empty memory for complete when it tries again.
func TestIDsReadBack(t *testing.T) {
	p := compile(t, sweepPack)
	var events []sentEvent
	for i := range 5 {
		events = append(events, sentEvent{millis: 1767225600000, value: fmt.Appendf(nil, `{"id":"%d","time":"2026-01-01T00:00:00Z","type":"click","incident":"A"}`, i)})
	}
	log := &deafOnce{simLog: &simLog{world: &simWorld{calm: true}, events: [][]sentEvent{events}, there: []int{len(events)}}}
	store := windowstore.NewMem(1)
	x := partition.New(&partition.Options{
		Program: p, Source: log, Store: store, Keys: store.Keys(), Shards: make([]chan shard.Message, 1),
		Alignment: watermark.NewAlignment(1, 1, 0, func() {}), Dedupe: partition.NewDedupeCache(), Retrier: metrics.NewRetrier(metrics.New(prometheus.NewRegistry(), p), discard),
	}, shard.NewAssignment("events", 0, 0, 1))
	x.Stream = log.Open("events", 0, 0)
	at := position.Position{Offset: 4, Clock: 1767225600000, Newest: engine.NoTime}
	if err := x.RebuildDedupe(t.Context(), at); err == nil {
		t.Fatal("the log answered")
	}
	if err := x.RebuildDedupe(t.Context(), at); err != nil || x.In.IDs.Size() != 4 {
		t.Fatalf("%d ids known, want 4, %v", x.In.IDs.Size(), err)
	}
}

// clicksLog is a log of so many clicks, of which some are there.
func clicksLog(n, there int) *simLog {
	e := sentEvent{millis: 1767225600000, value: []byte(`{"id":"1","time":"2026-01-01T00:00:00Z","type":"click","incident":"A"}`)}
	return &simLog{world: &simWorld{calm: true}, events: [][]sentEvent{slices.Repeat([]sentEvent{e}, n)}, there: []int{there}}
}

// loneReader is a partition that reads a log.
func loneReader(t *testing.T, log fetch.Source) *partition.Partition {
	p := compile(t, sweepPack)
	return partition.New(&partition.Options{
		Program: p, Source: log, Shards: make([]chan shard.Message, 1),
		Alignment: watermark.NewAlignment(1, 1, 0, func() {}), Holes: partition.NewHoles(), Dedupe: partition.NewDedupeCache(), Retrier: metrics.NewRetrier(metrics.New(prometheus.NewRegistry(), p), discard),
	}, shard.NewAssignment("events", 0, 0, 1))
}

// TestLogEndsBeforeFence: a log that ends before the place up to which it was counted was cut. Who reads ids
// back from it does not wait for it to grow.
func TestLogEndsBeforeFence(t *testing.T) {
	log := clicksLog(5, 2)
	x := loneReader(t, log)
	x.Stream = log.Open("events", 0, 0)
	done := make(chan error, 1)
	go func() {
		done <- x.RebuildDedupe(t.Context(), position.Position{Offset: 4, Clock: 1767225600000, Newest: engine.NoTime})
	}()
	select {
	case err := <-done:
		if !errors.Is(err, partition.ErrShortLog) {
			t.Fatal(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("waits")
	}
}

// cutReader does not answer the first time.
type cutReader struct {
	fetch.Reader
	cut bool
}

func (r *cutReader) Next(ctx context.Context) (fetch.RecordSet, error) {
	if !r.cut {
		r.cut = true
		return nil, errCut
	}
	return r.Reader.Next(ctx)
}

// TestHoleCountedOnce: a hole is counted when it is passed, not at each try.
func TestHoleCountedOnce(t *testing.T) {
	log := clicksLog(9, 9)
	x := loneReader(t, log)
	x.Stream = &cutReader{Reader: log.Open("events", 0, 0)}
	gone := &fetch.OutOfRange{Topic: "events", Offset: 2, Start: 5, End: 9}
	if err := x.Skip(t.Context(), gone); !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	if err := x.Skip(t.Context(), gone); err != nil || x.Next != 5 {
		t.Fatalf("at %d, %v", x.Next, err)
	}
	if n := told(x.Metrics.Holes); n != 3 {
		t.Fatalf("%v records in the hole, want 3", n)
	}
}

// TestWholeFromTheClock: since when counts are whole is told by the first event that counts for the clock: neither by what is no event, nor
// by a timestamp of -1, of 0 or in seconds, which would say that nothing is missing.
func TestWholeFromTheClock(t *testing.T) {
	const start = 1_767_225_600_000
	var events []sentEvent
	for i, millis := range []int64{start, -1, start / 1000, 0, 5, start + 60_000, start + 120_000} {
		value := fmt.Appendf(nil, `{"id":"%d","time":"2026-01-01T00:00:00Z","type":"click","incident":"A"}`, i)
		if i == 4 {
			value = []byte("no event")
		}
		events = append(events, sentEvent{millis: millis, value: value})
	}
	x := loneReader(t, &simLog{world: &simWorld{calm: true}, events: [][]sentEvent{events}, there: []int{len(events)}})
	x.Stream = x.Open(0)
	since, err := x.WholeFrom(t.Context(), 1, engine.NoTime)
	if want := engine.Nanoseconds(start+60_000) + int64(x.In.MaxAhead); err != nil || since != want {
		t.Errorf("whole from %v, want %v, error %v", time.Unix(0, since).UTC(), time.Unix(0, want).UTC(), err)
	}
	for _, least := range []int64{start + 90_000, start + 60_001, start + 3_600_000} { // what came before the hole was newer than what is behind it
		if since, err := x.WholeFrom(t.Context(), 1, least); err != nil || since != engine.Nanoseconds(least)+int64(x.In.MaxAhead) {
			t.Errorf("whole from %v, at least %d, error %v", time.Unix(0, since).UTC(), least, err)
		}
	}
	if since, err := x.WholeFrom(t.Context(), 7, start); err != nil || since != engine.Nanoseconds(start)+int64(x.In.MaxAhead) {
		t.Errorf("without a record: whole from %v, error %v", time.Unix(0, since).UTC(), err)
	}
}
