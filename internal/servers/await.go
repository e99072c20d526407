package servers

import (
	"testing"
	"time"
)

// Within asks f again and again until it holds, or the limit has passed, and
// reports whether it holds.
func Within(limit, every time.Duration, f func() bool) bool {
	tick := time.NewTicker(every)
	defer tick.Stop()
	late := time.After(limit)
	for !f() {
		select {
		case <-tick.C:
		case <-late:
			return false
		}
	}
	return true
}

// Await is Within, and the test fails if f does not hold in time; what names the
// thing waited for.
func Await(tb testing.TB, limit, every time.Duration, what string, f func() bool) {
	tb.Helper()
	if !Within(limit, every, f) {
		tb.Fatalf("waited %v for %s", limit, what)
	}
}
