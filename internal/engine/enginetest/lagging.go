package enginetest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// LaggingPack announces the third click of an hour and the ninth, and clears.
const LaggingPack = `
pack: lagging
measures: {clicks: {sum: count, types: [click]}}
rules: [{id: r, by: incident, window: 1h, step: 1m, limits: {clicks: 3}, levels: [1, 3], clear: 0.5}]
`

// Click is a click of an incident at a time of the first of January.
func Click(incident, at string) string {
	return fmt.Sprintf(`{"id":"%s %s","time":"2026-01-01T%sZ","type":"click","incident":%q}`, incident, at, at, incident)
}

// LaggingLines are a click of "other" at noon, and then twelve of "old" from two hours before.
func LaggingLines() []string {
	lines := []string{Click("other", "12:00:00")}
	for i := range 12 {
		lines = append(lines, Click("old", fmt.Sprintf("10:00:%02d", i+1)))
	}
	return lines
}

// Replayed replays lines, which must be without fault. For each crossing it gives the number of its
// line, from 1, its id and the time of day.
func Replayed(tb testing.TB, p *engine.Program, lines []string) (got []string, r *engine.Replay) {
	tb.Helper()
	n := 0
	r = engine.NewReplay(p, engine.IntakeOptions{}, math.MaxInt64, func(c *thresholds.Crossing) {
		got = append(got, fmt.Sprintf("%d %s %s", n, c.AppendID(nil), time.Unix(0, c.Time).UTC().Format("15:04:05")))
	})
	for _, line := range lines {
		n++
		if err := r.Line([]byte(line)); err != nil {
			tb.Fatal(err)
		}
	}
	return got, r
}

// Customers draws the events of some customers, each in about its own order, over some days.
func Customers(rnd *rand.Rand, n int) [][]string {
	all := make([][]string, n)
	for c := range all {
		at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rnd.IntN(5*24*3600)) * time.Second)
		for i := range 1 + rnd.IntN(60) {
			at = at.Add(time.Duration(rnd.IntN([]int{60, 600, 7200}[rnd.IntN(3)])) * time.Second)
			own := at.Add(-time.Duration(rnd.IntN(1+100*rnd.IntN(2))) * time.Second)
			if rnd.IntN(40) == 0 {
				own = at.Add(-3 * time.Hour) // late by its own order
			}
			all[c] = append(all[c], fmt.Sprintf(`{"id":"%d-%d","time":%q,"type":"click","incident":"c%d","count":%d}`,
				c, i, own.Format(time.RFC3339), c, 1+rnd.IntN(3)))
		}
	}
	return all
}
