package engine_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// TestClearWaitsForSince: an episode ends no earlier than at the first bucket whose window holds nothing from before
// the counter began.
func TestClearWaitsForSince(t *testing.T) {
	p := enginetest.Compile(t, `{pack: p, measures: {clicks: {sum: count, types: [click]}}, rules: [{id: r, by: incident, window: 20m,
		step: 1m, limits: {clicks: 300}, levels: [0.5, 1], clear: 0.4}]}`)
	f := func(since, want string) {
		t.Helper()
		got := "none"
		r := engine.NewReplay(p, engine.IntakeOptions{}, math.MaxInt64, func(c *thresholds.Crossing) {
			if c.Level == 0 {
				got = time.Unix(0, c.Time).UTC().Format("15:04:05")
			}
		})
		r.SetSince(func(thresholds.Kind, int) int64 {
			if since == "" {
				return 0
			}
			at, err := time.Parse(time.RFC3339Nano, "2026-01-01T"+since+"Z")
			if err != nil {
				t.Fatal(err)
			}
			return at.UnixNano()
		})
		for _, e := range []struct{ minute, n int }{{0, 300}, {1, 50}, {59, 1}} {
			line := fmt.Appendf(nil, `{"id":"%d","time":"2026-01-01T12:%02d:00Z","type":"click","incident":"A","count":%d}`, e.minute, e.minute, e.n)
			if err := r.Line(line); err != nil {
				t.Fatal(err)
			}
		}
		if got != want {
			t.Errorf("since %q: cleared at %s, want %s", since, got, want)
		}
	}
	f("", "12:21:00")         // what was counted at 12:00 has left
	f("11:00:00", "12:21:00") // long ago
	f("12:01:00", "12:21:00") // the window of 12:21 begins at 12:01
	f("12:01:00.000000001", "12:22:00")
	f("12:10:30", "12:31:00")
	f("12:39:00", "12:59:00")
	f("12:39:01", "none") // not before 13:00
}
