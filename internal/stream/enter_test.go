package stream

import (
	"context"
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
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
	metrics := prometheus.NewRegistry()
	log := &simLog{world: &simWorld{calm: true}, events: [][]sentEvent{nil, nil}, there: []int{0, 0}}
	o := &partitionOptions{program: p, source: log, holes: &holes{to: map[int]int64{}}, patience: newPatience(NewMetrics(metrics, p), discard)}
	for _, met := range []struct {
		partition            int
		from, start, counted int64
	}{
		{0, 100, 150, 50}, {0, 100, 150, 50}, {0, 100, 170, 70}, {1, 100, 150, 120}, {0, 300, 310, 130},
	} {
		x := newPartition(o, newLease("events", met.partition, met.partition, 1), -1) // of another generation
		x.stream = log.Open("events", met.partition, 0)
		if err := x.skip(t.Context(), &fetch.OutOfRange{Offset: met.from, Start: met.start, End: 1_000}); err != nil || x.next != met.start {
			t.Fatalf("%+v: at %d, %v", met, x.next, err)
		}
		if got := series(t, metrics, "aggregator_log_holes_records_total", "").GetCounter().GetValue(); got != float64(met.counted) {
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
	store := windows.NewMem(1)
	x := newPartition(&partitionOptions{
		program: p, source: log, store: store, keys: store.Keys(), shards: make([]chan message, 1),
		tide: newTide(1, 1, 0, func() {}), patience: newPatience(NewMetrics(prometheus.NewRegistry(), p), discard),
	}, newLease("events", 0, 0, 1), -1)
	x.stream = log.Open("events", 0, 0)
	at := mark{offset: 4, clock: 1767225600000, newest: noTime}
	if err := x.remember(t.Context(), at); err == nil {
		t.Fatal("the log answered")
	}
	if err := x.remember(t.Context(), at); err != nil || x.in.ids.size() != 4 {
		t.Fatalf("%d ids known, want 4, %v", x.in.ids.size(), err)
	}
}
