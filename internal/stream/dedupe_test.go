package stream

import (
	"fmt"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// seeking notes the offsets that a reader is sent to.
type seeking struct {
	reader
	to []int64
}

func (r *seeking) SeekTo(offset int64) {
	r.to = append(r.to, offset)
	r.reader.SeekTo(offset)
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
	o := &partitionOptions{
		program: p, source: log, shards: make([]chan message, 1), intake: IntakeOptions{DedupeWindow: 150_000_000_000}, dedupe: newDedupeCache(),
		alignment: newAlignment(1, 1, 0, func() {}), retrier: newRetrier(NewMetrics(prometheus.NewRegistry(), p), discard),
	}
	at := func(offset int64) position {
		return position{offset: offset, clock: start + (offset-1)*60_000, newest: noTime}
	}
	generation := func(name string, offset int64, ids int, seeks ...int64) *partition {
		t.Helper()
		x := newPartition(o, newAssignment("events", 0, 0, 1))
		r := &seeking{reader: log.Open("events", 0, 0)}
		x.stream = r
		if err := x.rebuildDedupe(t.Context(), at(offset)); err != nil {
			t.Fatal(err)
		}
		if x.in.ids.size() != ids || !slices.Equal(r.to, seeks) {
			t.Errorf("%s: %d ids known, want %d; read from %v, want %v", name, x.in.ids.size(), ids, r.to, seeks)
		}
		x.dedupe.keep(x)
		return x
	}
	generation("the first", 4, 3, 1)
	generation("nobody went on", 4, 3)
	generation("another owner went on", 6, 3, 4)
	generation("the store went back", 5, 3, 2)
	x := generation("another owner went far", 9, 3, 6)
	if err := x.in.decoder.Decode(&x.in.event, events[9].value); err != nil || !x.in.repeated(events[9].millis) {
		t.Errorf("what another owner counted comes again and is not known, %v", err)
	}
	o.dedupe.forget()
	generation("another process had it", 10, 3, 7)
}
