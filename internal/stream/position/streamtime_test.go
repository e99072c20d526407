package position

import (
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
)

// at is a partition that has matched up to a time; silent is one that the stream's time goes on without.
func at(newest int64) Position     { return Position{Newest: newest} }
func silent(newest int64) Position { return Position{Newest: newest, Idle: true} }

const none = engine.NoTime

// TestReach: the stream's time, and the moment of an event whose partition had reached 50.
func TestReach(t *testing.T) {
	f := func(time, momentTime, momentKnown int64, partitions ...Position) {
		t.Helper()
		r := NewReach()
		var fences [][]byte
		for i := range partitions {
			r.Add(&partitions[i])
			fences = append(fences, partitions[i].AppendFence(nil, 1))
		}
		if got := r.Time(); got != time {
			t.Errorf("%v: time %d, want %d", partitions, got, time)
		}
		if got, want := r.At(50), (engine.Moment{Time: momentTime, Known: momentKnown}); got != want {
			t.Errorf("%v: at 50 %+v, want %+v", partitions, got, want)
		}
		if got := StoredTime(fences); got != time {
			t.Errorf("%v: stored time %d, want %d", partitions, got, time)
		}
	}
	f(none, none, 50)
	f(30, 30, 30, at(30))
	f(70, 50, 50, at(70)) // the event is applied again
	f(30, 30, 30, at(70), at(30))
	f(70, 50, 50, at(70), silent(30))
	f(70, 50, 50, silent(70), silent(30)) // all are silent: the largest
	f(none, none, 50, at(70), at(none))   // of one it is not known
	f(none, none, 30, at(30), at(none))
	f(30, 30, 30, at(30), silent(none))
	f(none, none, 50, silent(none))
	f(-9, -9, -9, at(-9), at(0)) // before 1970
}

// TestStoredTime: while a fence is missing it is not known how far the stream is.
func TestStoredTime(t *testing.T) {
	if got := StoredTime([][]byte{at(30).AppendFence(nil, 1), nil}); got != none {
		t.Errorf("got %d", got)
	}
}
