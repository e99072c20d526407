package position

import (
	"math"
	"testing"
)

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
	if SinceTime(0) == 0 || SinceTime(-1) != -1 {
		t.Error("a time must not say that all is counted")
	}
}

// TestSinceAfter: what was counted otherwise at a time is not in counts that are whole since then.
func TestSinceAfter(t *testing.T) {
	for newest, want := range map[int64]int64{
		0: 1_000_000, 1: 1_000_000, 999_999: 1_000_000, 1_000_000: 2_000_000, -1: 1, -1_000_000: 1, -1_000_001: -1_000_000,
		math.MinInt64: math.MinInt64, math.MaxInt64: math.MaxInt64,
	} {
		if got := SinceAfter(newest); got != want {
			t.Errorf("after %d: %d, want %d", newest, got, want)
		}
	}
}
