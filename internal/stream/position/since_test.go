package position

import "testing"

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
