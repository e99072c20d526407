package position

import (
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
)

// FuzzParseFence: a stored fence is read or refused, and what was read says the same when it is written again.
func FuzzParseFence(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(Position{Offset: 1931, Clock: 1_767_225_600_000, Newest: 1_767_225_600_000_000_000, Pack: 7, Idle: true, Ended: true}.AppendFence(nil, 42))
	f.Add(Position{Clock: engine.NoTime, Newest: engine.NoTime}.AppendFence(nil, 0))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ParseFence(data)
		if err != nil {
			return
		}
		again, err := ParseFence(m.AppendFence([]byte("before"), 9)[len("before"):])
		if err != nil || again != m {
			t.Errorf("%+v became %+v, %v", m, again, err)
		}
	})
}

// TestLaterSince: 0 is before all times, also before those before 1970.
func TestLaterSince(t *testing.T) {
	f := func(a, b, want int64) {
		t.Helper()
		if got, back := LaterSince(a, b), LaterSince(b, a); got != want || back != want {
			t.Errorf("of %d and %d: got %d and %d, want %d", a, b, got, back, want)
		}
	}
	f(0, 0, 0)
	f(0, 7, 7)
	f(0, -7, -7)
	f(-9, -7, -7)
	f(-9, 7, 7)
	if SomeSince(0) == 0 || SomeSince(-1) != -1 {
		t.Error("a time must not say that all is counted")
	}
}
