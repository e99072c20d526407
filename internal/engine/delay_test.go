package engine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
)

// TestSubjectBehindIsNotCleared: a subject whose events come two hours behind the stream, in order, is not cleared under them. The
// stream clears it two hours later.
func TestSubjectBehindIsNotCleared(t *testing.T) {
	p := enginetest.Compile(t, enginetest.LaggingPack)
	f := func(more []string, want ...string) {
		t.Helper()
		want = append([]string{"4 r/incident/old/1/1 10:00:03", "10 r/incident/old/1/3 10:00:09"}, want...)
		got, r := enginetest.Replayed(t, p, append(enginetest.LaggingLines(), more...))
		if !slices.Equal(got, want) || r.Stats.Late != 0 {
			t.Errorf("%d late, got\n%s\nwant\n%s", r.Stats.Late, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	f(nil)
	f([]string{enginetest.Click("other", "13:00:47.999999999")})                            // a click of 10:00:12 was 1:59:48 behind
	f([]string{enginetest.Click("other", "13:00:48")}, "14 r/incident/old/1/0 11:01:00")    // and its minute leaves at 11:01
	f([]string{enginetest.Click("old", "11:00:59")})                                        // it holds the rest
	f([]string{enginetest.Click("old", "11:01:00")}, "14 r/incident/old/1/0 11:01:00")      // its own time clears it at once
	f([]string{enginetest.Click("old", "11:59:59")}, "14 r/incident/old/1/0 11:01:00")      // dated where it was due
	f([]string{enginetest.Click("old", "09:30:00"), enginetest.Click("other", "13:00:47")}) // older than its time
	f([]string{enginetest.Click("old", "09:30:00"), enginetest.Click("other", "13:00:48")}, "15 r/incident/old/1/0 11:01:00")
	f([]string{enginetest.Click("other", "12:30:00"), enginetest.Click("old", "10:00:12.5"), enginetest.Click("other", "13:30:47")})
	f([]string{enginetest.Click("other", "12:30:00"), enginetest.Click("old", "10:00:12.5"), enginetest.Click("other", "13:30:48")}, "16 r/incident/old/1/0 11:01:00")
}

// TestOrderOfClears: what the stream has made due, and what an event has for its own subjects, comes in one order, before all
// crossings of the event.
func TestOrderOfClears(t *testing.T) {
	p := enginetest.Compile(t, `
pack: two
measures: {clicks: {sum: count, types: [click]}}
rules:
  - {id: i, by: incident, window: 10m, step: 1m, limits: {clicks: 2}, levels: [1], clear: 0.5}
  - {id: a, by: account, window: 10m, step: 1m, limits: {clicks: 2}, levels: [1], clear: 0.5}
`)
	f := func(incident, account, at string, count int) string {
		return fmt.Sprintf(`{"id":"%s%s%s","time":"2026-01-01T%sZ","type":"click","incident":%q,"account":%q,"count":%d}`, incident, account, at, at, incident, account, count)
	}
	got, _ := enginetest.Replayed(t, p, []string{
		f("silent", "silent", "11:55:00", 2), // cleared at 12:06
		f("last", "last", "12:05:59", 1),
		f("b", "a", "10:00:00", 2), // two hours behind, cleared at 10:11
		f("c", "d", "12:06:00", 2), // by the stream, before its own crossings
		f("b", "a", "10:20:00", 2), // by its own time, both before both crossings
		f("d", "d", "12:17:00", 2), // d's own, the stream's c, and b, whose last event was 1:46 behind
	})
	want := []string{
		"1 i/incident/silent/1/1 11:55:00", "1 a/account/silent/1/1 11:55:00",
		"3 i/incident/b/1/1 10:00:00", "3 a/account/a/1/1 10:00:00",
		"4 i/incident/silent/1/0 12:06:00", "4 a/account/silent/1/0 12:06:00", "4 i/incident/c/1/1 12:06:00", "4 a/account/d/1/1 12:06:00",
		"5 i/incident/b/1/0 10:11:00", "5 a/account/a/1/0 10:11:00", "5 i/incident/b/2/1 10:20:00", "5 a/account/a/2/1 10:20:00",
		"6 i/incident/b/2/0 10:31:00", "6 a/account/a/2/0 10:31:00",
		"6 i/incident/c/1/0 12:17:00", "6 a/account/d/1/0 12:17:00", "6 i/incident/d/1/1 12:17:00", "6 a/account/d/2/1 12:17:00",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestBacklogByCustomer: a backlog that comes customer by customer crosses, and is late, where each customer alone would be.
func TestBacklogByCustomer(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	p := enginetest.Compile(t, enginetest.LaggingPack)
	crossings, late := 0, 0
	for n := range uint64(60) {
		all := enginetest.Customers(rand.New(rand.NewPCG(seed, n)), 40)
		want, wantLate := []string{}, 0
		for _, lines := range all {
			got, r := enginetest.Replayed(t, p, lines)
			want, wantLate = append(want, crossed(got)...), wantLate+r.Stats.Late
		}
		got, r := enginetest.Replayed(t, p, slices.Concat(all...))
		if got = crossed(got); !slices.Equal(got, want) || r.Stats.Late != wantLate {
			t.Fatalf("backlog %d: %d late, want %d; %d crossings, want %d", n, r.Stats.Late, wantLate, len(got), len(want))
		}
		crossings, late = crossings+len(want), late+wantLate
	}
	if crossings < 1000 || late < 100 {
		t.Errorf("only %d crossings, %d late", crossings, late)
	}
}

// crossed are those that are no clears, without the number of the line.
func crossed(all []string) (levels []string) {
	for _, c := range all {
		if _, c, _ = strings.Cut(c, " "); !strings.Contains(c, "/0 ") {
			levels = append(levels, c)
		}
	}
	return levels
}

// TestQueueOfSubjectBehind: a replay does not keep a date for each of a subject's delays, which change with every event.
func TestQueueOfSubjectBehind(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	var lines []string
	for i := range 5_000 {
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i)*100*time.Millisecond - time.Duration(rnd.IntN(5_000))*time.Millisecond)
		lines = append(lines, fmt.Sprintf(`{"id":"%d","time":%q,"type":"click","incident":"i%d"}`, i, at.Format(time.RFC3339Nano), i%3))
	}
	if _, r := enginetest.Replayed(t, enginetest.Compile(t, enginetest.LaggingPack), lines); r.Queued() > 3 {
		t.Errorf("%d dates of three subjects", r.Queued())
	}
}
