package engine_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/oracle"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// tooLong is how long counting a few events may take.
const tooLong = time.Minute

// within fails if f does not end: what is under way then goes on without it.
func within(t *testing.T, limit time.Duration, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(limit):
		t.Fatalf("not done after %s", limit)
	}
}

// edges are times at which numbers turn: the first and the last that an event may have, and those around 1970.
var edges = []string{
	"1678-01-01T00:00:00Z", "1678-01-02T00:00:00.000000001Z", "1960-02-29T13:14:15Z", "1969-06-15T12:00:00Z", "1969-12-30T23:59:59.999999999Z",
	"1969-12-31T16:00:00Z", "1969-12-31T23:59:59.999999999Z", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000001Z", "1970-01-01T00:59:59Z",
	"1972-01-01T00:00:00Z", "2261-12-30T00:00:00Z", "2261-12-31T23:59:59.999999999Z",
}

// TestClearsAtEdges: an event at an edge crosses, and an event of a second subject moves the stream
// on. The clear's date is the oracle's, for windows of all sizes.
func TestClearsAtEdges(t *testing.T) {
	for _, window := range []string{
		"60s, step: 1s", "10m, step: 10s", "1h, step: 1m", "1h, step: 5m", "24h, step: 1h", "7d, step: 6h", "3h, step: 3h", "730d, step: 1d",
	} {
		pack := `{pack: p, measures: {clicks: {sum: count, types: [click]}}, rules: [{id: r, title: t, cite: c, by: incident, window: ` + window +
			`, limits: {clicks: 10}, levels: [0.5, 1], clear: 0.4}]}`
		program := enginetest.Compile(t, pack)
		for i, first := range edges {
			for _, second := range edges[i:] {
				compareAt(t, program, pack, first, second)
			}
		}
	}
}

func compareAt(t *testing.T, program *engine.Program, pack, first, second string) {
	t.Helper()
	o, err := oracle.New([]byte(pack))
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	r := engine.NewReplay(program, engine.IntakeOptions{}, math.MaxInt64, func(c *thresholds.Crossing) { got = append(got, string(c.AppendJSON(nil))) })
	within(t, tooLong, func() {
		for i, e := range []struct{ at, incident string }{{first, "a"}, {first, "b"}, {second, "b"}, {second, "c"}, {first, "a"}} {
			line := fmt.Appendf(nil, `{"id":"e%d","time":%q,"type":"click","incident":%q,"count":7}`, i, e.at, e.incident)
			if err := r.Line(line); err != nil {
				t.Errorf("%s: %v", line, err)
			}
			for _, c := range o.Apply(line, oracle.EventTime) {
				want = append(want, string(c.JSON()))
			}
		}
	})
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("%s, then %s, by %s:\nwant %s\ngot  %s", first, second, pack, w, g)
	}
	enginetest.CompareCounts(t, r, o)
}

// TestDefaultPackBefore1970: the built-in pack clears what was counted in 1960, on two days.
func TestDefaultPackBefore1970(t *testing.T) {
	program := enginetest.Compile(t, enginetest.Builtin(t, "cn-2019-15"))
	for gap := range 10 {
		var got []string
		within(t, tooLong, func() {
			r := engine.NewReplay(program, engine.IntakeOptions{}, math.MaxInt64, func(c *thresholds.Crossing) { got = append(got, string(c.AppendID(nil))) })
			for i, e := range []struct{ day, count int }{{0, 45_000}, {gap, 10_000}, {1000, 1}} {
				at := time.Date(1960, 6, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, e.day).Format(time.RFC3339)
				line := fmt.Appendf(nil, `{"id":"e%d","time":%q,"type":"click","incident":"i%d","count":%d}`, i, at, i/2, e.count)
				if err := r.Line(line); err != nil {
					t.Errorf("%s: %v", line, err)
				}
			}
		})
		want := "art3-clicks/incident/i0/1/0.5 art3-clicks/incident/i0/1/0.8 art3-clicks/incident/i0/1/1 art3-clicks/incident/i0/1/0"
		if g := strings.Join(got, " "); g != want {
			t.Errorf("%d days apart: got %s, want %s", gap, g, want)
		}
	}
}

// TestUnits: a time before 1970 falls in the millisecond, and the second, that began before it; a timestamp may be anything.
func TestUnits(t *testing.T) {
	f := func(ns, ms, s int64) {
		t.Helper()
		if m, sec := engine.Milliseconds(ns), engine.Seconds(ns); m != ms || sec != s {
			t.Errorf("%d ns: got %d ms, %d s, want %d, %d", ns, m, sec, ms, s)
		}
	}
	f(0, 0, 0)
	f(999_999, 0, 0)
	f(1_999_999_999, 1999, 1)
	f(-1, -1, -1)
	f(-1_000_000_000, -1000, -1)
	f(-1_000_000_001, -1001, -2)
	f(engine.Never, 9_223_372_036_854, 9_223_372_036)
	f(engine.NoTime, -9_223_372_036_855, -9_223_372_037)
	for ms, want := range map[int64]int64{
		1: 1_000_000, -1: -1_000_000,
		math.MaxInt64: 9_223_372_036_854_000_000, math.MinInt64: -9_223_372_036_854_000_000,
	} {
		if got := engine.Nanoseconds(ms); got != want {
			t.Errorf("%d ms: got %d, want %d", ms, got, want)
		}
	}
}
