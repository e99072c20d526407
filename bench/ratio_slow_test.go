//go:build linux && slow

package bench

import (
	"testing"

	"github.com/seed-afe14ff2/aggregator/bench/gen"
)

// maxRatio is how many times the floor's CPU time the program and Redis may take together on a
// backlog with two counters. RESULTS.md has what they take on a quiet machine.
const maxRatio = 3.0

// TestSlowRatio compares what the program and Redis cost with what the floor costs in the same run.
// It is a ratio, and no time, so that a busy or slow machine changes little.
func TestSlowRatio(t *testing.T) {
	x := newFixture(t)
	l := loadBacklog(t, x.kafka, "events", gen.Config{Seed: 42, Events: 1_000_000})
	var all table
	for range 3 {
		floor, f := x.floorRun(l), x.backlogRun(plain, l)
		all.note("floor", floor)
		all.note(plain.name, f)
		if f.crossings != floor.crossings || f.crossings == 0 {
			t.Errorf("%v crossings, the floor has %v", f.crossings, floor.crossings)
		}
	}
	both := func(f *figures) float64 { return f.program + f.redis }
	times := all.median(plain.name, both) / all.median("floor", both)
	t.Logf("%.2f times the floor\n%s", times, &all)
	if times > maxRatio {
		t.Errorf("program and Redis take %.2f times what the floor takes, at most %v is allowed", times, maxRatio)
	}
}
