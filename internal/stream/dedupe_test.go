package stream

import (
	"fmt"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watermark"
)

// seeking notes the offsets that a reader is sent to.
type seeking struct {
	fetch.Reader
	to []int64
}

func (r *seeking) SeekTo(offset int64) {
	r.to = append(r.to, offset)
	r.Reader.SeekTo(offset)
}

// TestMemoryIsKept: in the next generation a partition reads no more of the log than what another owner has counted since.
func TestMemoryIsKept(t *testing.T) {
	const start = 1767225600000
	p := compile(t, sweepPack)
	var events []sentEvent
	for i := range 10 { // an event a minute, of which the memory holds three; the last repeats the one before
		events = append(events, sentEvent{millis: start + int64(i)*60_000, value: fmt.Appendf(nil, `{"id":"%d","time":"2026-01-01T00:00:00Z","type":"click","incident":"A"}`, i-i/9)})
	}
	log := &simLog{world: &simWorld{calm: true}, events: [][]sentEvent{events}, there: []int{len(events)}}
	o := &partition.Options{
		Program: p, Source: log, Shards: make([]chan shard.Message, 1), Intake: engine.IntakeOptions{DedupeWindow: 150_000_000_000}, Dedupe: partition.NewDedupeCache(),
		Alignment: watermark.NewAlignment(1, 1, 0, func() {}), Retrier: metrics.NewRetrier(metrics.New(prometheus.NewRegistry(), p), discard),
	}
	at := func(offset int64) position.Position {
		return position.Position{Offset: offset, Clock: start + (offset-1)*60_000, Newest: engine.NoTime}
	}
	generation := func(name string, offset int64, ids int, seeks ...int64) *partition.Partition {
		t.Helper()
		x := partition.New(o, shard.NewAssignment("events", 0, 0, 1))
		r := &seeking{Reader: log.Open("events", 0, 0)}
		x.Stream = r
		if err := x.RebuildDedupe(t.Context(), at(offset)); err != nil {
			t.Fatal(err)
		}
		if x.In.IDs.Size() != ids || !slices.Equal(r.to, seeks) {
			t.Errorf("%s: %d ids known, want %d; read from %v, want %v", name, x.In.IDs.Size(), ids, r.to, seeks)
		}
		x.Dedupe.Keep(x)
		return x
	}
	generation("the first", 4, 3, 1)
	generation("nobody went on", 4, 3)
	generation("another owner went on", 6, 3, 4)
	generation("the store went back", 5, 3, 2)
	x := generation("another owner went far", 9, 3, 6)
	if err := x.In.Decoder.Decode(&x.In.Event, events[9].value); err != nil || !x.In.Repeated(events[9].millis) {
		t.Errorf("what another owner counted comes again and is not known, %v", err)
	}
	o.Dedupe.Forget()
	generation("another process had it", 10, 3, 7)
}
