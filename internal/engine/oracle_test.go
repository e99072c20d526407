package engine_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/api/apitest"
	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/oracle"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// randomPack makes a pack whose windows, limits and ways to combine are drawn,
// over the events of a story.
func randomPack(rnd *rand.Rand) string {
	text := `
pack: drawn
measures:
  clicks:  {sum: count, types: [click]}
  seen:    {distinct: account, types: [click, view]}
  members: {distinct: group, weight: members, types: [share]}
  orders:  {sum: count, types: [order]}
  defied:  {sum: count, types: [click], after: orders}
  reached: {distinct: account, types: [view], after: orders}
rules:
`
	names := []string{"clicks", "seen", "members", "defied", "reached"}
	combines := []string{"any", "all", "at-least-2", "ratio"}
	for i := range 2 + rnd.IntN(5) {
		by := []string{"incident", "account"}[rnd.IntN(2)]
		step := []int{1, 10, 60, 300}[rnd.IntN(4)]
		window := fmt.Sprintf("window: %ds, step: %ds", step*(1+rnd.IntN(40)), step)
		if rnd.IntN(8) == 0 {
			window = "window: all"
		}
		first := rnd.IntN(3)
		limits := fmt.Sprintf("%s: %d, %s: %d, %s: %d", names[first], 7+rnd.IntN(90), names[first+1], 7+rnd.IntN(40), names[first+2], 7+rnd.IntN(3000))
		more := ""
		if by == "account" { // an account reads for itself: it is distinct once
			limits = fmt.Sprintf("clicks: %d, defied: %d", 7+rnd.IntN(30), 7+rnd.IntN(30))
		}
		if rnd.IntN(3) > 0 {
			more = fmt.Sprintf(", clear: 0.%d", 1+rnd.IntN(4))
		}
		text += fmt.Sprintf("  - {id: r%d, title: t, cite: c, by: %s, %s, limits: {%s}, combine: %s, levels: [0.5, 0.8, 1]%s}\n",
			i, by, window, limits, combines[rnd.IntN(4)], more)
	}
	return text
}

// begins are when stories begin: today, around 1970, and at the first and the last time that an
// event may have. There the numbers of times change sign or end.
var begins = []time.Time{
	time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC),
	time.Date(1960, 2, 29, 0, 0, 0, 0, time.UTC), time.Date(1969, 12, 31, 23, 59, 0, 0, time.UTC),
	time.Date(1678, 1, 5, 0, 0, 0, 0, time.UTC), time.Date(2261, 11, 1, 0, 0, 0, 0, time.UTC),
}

// TestReplayAgainstOracle compares crossings and counts, byte for byte, with an
// implementation of the contract that shares no code with this one.
func TestReplayAgainstOracle(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	crossings, clears := 0, 0
	for n := range uint64(40) {
		rnd := rand.New(rand.NewPCG(seed, n))
		pack := randomPack(rnd)
		begin := begins[n%uint64(len(begins))].Add(3*time.Hour + time.Duration(rnd.IntN(3_600_000))*time.Millisecond)
		events := enginetest.StoryFrom(begin, 2*time.Hour, rnd, 1_500, 1+rnd.IntN(6), 3+rnd.IntN(60))
		o, err := oracle.New([]byte(pack))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		r := engine.NewReplay(enginetest.Compile(t, pack), engine.IntakeOptions{}, math.MaxInt64, func(c *thresholds.Crossing) {
			got = append(got, string(c.AppendJSON(nil)))
			if c.Level == 0 {
				clears++
			}
		})
		for i, e := range events {
			got = got[:0]
			if err := r.Line(e.Value); err != nil {
				t.Fatal(err)
			}
			want := o.Apply(e.Value, oracle.EventTime)
			for j := range max(len(want), len(got)) {
				w, g := "nothing", "nothing"
				if j < len(want) {
					w = string(want[j].JSON())
				}
				if j < len(got) {
					g = got[j]
				}
				apitest.Crossing.Check(t, []byte(g))
				if w != g {
					t.Fatalf("history %d, event %d, crossing %d:\nwant %s\ngot  %s\npack %s", n, i, j, w, g, pack)
				}
			}
			crossings += len(got)
		}
		enginetest.CompareCounts(t, r, o)
	}
	if crossings < 1000 || clears < 100 {
		t.Fatalf("only %d crossings, %d clears: too quiet to show anything", crossings, clears)
	}
	t.Logf("%d crossings, %d of them clears", crossings, clears)
}
