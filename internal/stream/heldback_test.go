package stream

import (
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
)

// TestHoldback: a transaction that stays open is said once, after a minute, and its end; short ones, one after the other, are not.
func TestHoldback(t *testing.T) {
	h, now := &holdback{from: -1}, time.Unix(1_000_000, 0)
	f := func(shown, end int64, passed time.Duration, say, over bool) {
		t.Helper()
		now = now.Add(passed)
		if s, o := h.observe(fetch.Ends{Shown: shown, End: end}, now); s != say || o != over {
			t.Errorf("%d of %d: said %v, over %v", shown, end, s, o)
		}
	}
	f(0, 0, time.Second, false, false)
	f(5, 5, time.Hour, false, false)
	for i := range int64(10) { // each is another one
		f(5+i, 6+i, 50*time.Second, false, false)
	}
	f(14, 20, 59*time.Second, false, false)
	f(14, 21, time.Second, true, false)
	f(14, 22, time.Hour, false, false)
	f(15, 22, time.Second, false, true)
	f(15, 23, time.Minute, true, false)
	f(23, 23, time.Second, false, true)
	f(23, 23, time.Hour, false, false)
	f(23, 24, time.Second, false, false) // open since now, not since the log ended there
	f(23, 24, time.Minute, true, false)
}
