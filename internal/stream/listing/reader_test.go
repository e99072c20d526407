package listing

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// walk is all rows that pass a filter, page by page, as text.
func (f *fixture) walk(filter Filter, limit int) (rows []string) {
	f.Helper()
	for cursor := ""; ; {
		page, err := f.reader.Nearest(f.Context(), filter, limit, cursor)
		if err != nil || len(page.Rows) > limit {
			f.Fatalf("%d rows, error %v", len(page.Rows), err)
		}
		if cursor != "" && len(page.Rows) == 0 {
			f.Errorf("%+v, by %d: nothing comes after a cursor", filter, limit)
		}
		for _, r := range page.Rows {
			rows = append(rows, fmt.Sprintf("%s/%s:%d", r.Rule.ID, r.Subject, r.Progress))
		}
		if cursor = page.Next; cursor == "" {
			return rows
		}
	}
}

// TestNearest: the order is by progress, kind, id and the packs' order; what a row has is of the record.
func TestNearest(t *testing.T) {
	x := newFixture(t)
	x.put(thresholds.Incident, "b", 500, 500) // views, clicks
	x.put(thresholds.Incident, "a", 500, 99)
	x.put(thresholds.Incident, "\xc3\xa9:/", 900)
	x.put(thresholds.Account, "a", 500)
	x.putAt(start.AddDate(0, 0, 5), thresholds.Account, "late", 2500)
	x.put(thresholds.Incident, "far", 99, 99)
	f := func(filter Filter, want string) {
		t.Helper()
		for _, limit := range []int{1, 2, 3, 50} {
			if got := strings.Join(x.walk(filter, limit), " "); got != want {
				t.Errorf("%+v, by %d: got %s, want %s", filter, limit, got, want)
			}
		}
	}
	f(Filter{},
		"sends/late:25000 views/é:/:9000 views/a:5000 views/b:5000 clicks/b:5000 sends/a:5000")
	f(Filter{Least: 5001}, "sends/late:25000 views/é:/:9000")
	f(Filter{Least: 5000, Most: new(uint64(9000))}, "views/é:/:9000 views/a:5000 views/b:5000 clicks/b:5000 sends/a:5000")
	f(Filter{Most: new(uint64(4999))}, "")
	f(Filter{Most: new(uint64)}, "")
	f(Filter{Least: 5000, Since: start.AddDate(0, 0, 1)}, "sends/late:25000")
	f(Filter{Rules: func(r *thresholds.Rule) bool { return r.By == thresholds.Account }}, "sends/late:25000 sends/a:5000")
	f(Filter{Rules: func(r *thresholds.Rule) bool { return r.ID == "clicks" }}, "clicks/b:5000")
	f(Filter{Since: start.AddDate(0, 0, 5)}, "sends/late:25000")
	f(Filter{Since: start.AddDate(0, 0, 6)}, "")

	page, err := x.reader.Nearest(t.Context(), Filter{}, 2, "")
	if err != nil {
		t.Fatal(err)
	}
	r := page.Rows[0]
	if r.Pending != thresholds.LevelOne || r.State != (thresholds.State{Episode: 1}) || r.Time != start.AddDate(0, 0, 5).UnixNano() || r.Values[0].Value != 2500 || r.Rate != nil || r.LimitAt != nil {
		t.Errorf("got %+v", r)
	}
	if r := page.Rows[1]; r.Pending != 8000 {
		t.Errorf("got %+v", r)
	}

	// Whoever left the list since, or is gone, is not shown.
	x.write(Name{thresholds.Account, "late"}, x.subject(thresholds.Account, start, 1), 1)
	if err := x.mem.Delete(t.Context(), x.shard(Name{thresholds.Incident, "a"}), x.key(Name{thresholds.Incident, "a"})); err != nil {
		t.Fatal(err)
	}
	f(Filter{Least: 5000}, "views/é:/:9000 views/b:5000 clicks/b:5000 sends/a:5000")
	if err := x.mem.Delete(t.Context(), x.shard(Name{thresholds.Account, "a"}), x.key(Name{thresholds.Account, "a"})); err != nil {
		t.Fatal(err)
	}
	f(Filter{}, "views/é:/:9000 views/b:5000 clicks/b:5000")
}

// TestNearestNone: a row may have no progress, only a level.
func TestNearestNone(t *testing.T) {
	x := newFixture(t)
	x.put(thresholds.Incident, "a", 0, 500)
	n := Name{thresholds.Incident, "b"}
	s := x.subject(n.Kind, start, 1)
	s.SetRuleState(1, windows.RuleState{Level: 500, Episode: 1})
	x.write(n, s, 1)
	if err := x.lister.Remake(t.Context(), x.shard(n), []Name{n}); err != nil {
		t.Fatal(err)
	}
	for want, filter := range map[string]Filter{"clicks/a:5000 clicks/b:0": {}, "clicks/b:0": {Most: new(uint64)}} {
		if got := strings.Join(x.walk(filter, 1), " "); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestRateShown: rate and the time of the limit come from the sights.
func TestRateShown(t *testing.T) {
	x := newFixture(t)
	n := Name{thresholds.Account, "a"}
	for i := range 3 {
		at := start.Add(time.Duration(i) * 10 * time.Minute)
		x.write(n, x.subject(n.Kind, at, uint64(500+50*i)), 1)
		x.lister.Take(x.shard(n), &Ticket{}, n, []Change{{Progress: uint64(5000 + 500*i), Listed: true, Sights: []Sight{{at.UnixNano(), 0.5 + 0.05*float64(i)}}}})
		x.lister.Flush(t.Context())
		page, err := x.reader.Nearest(t.Context(), Filter{}, 1, "")
		if err != nil || (page.Rows[0].Rate != nil) != (i == 2) {
			t.Fatalf("%d: %+v, %v", i, page, err)
		}
		if i < 2 {
			continue
		}
		r := page.Rows[0]
		if *r.Rate < 0.299 || *r.Rate > 0.301 || r.LimitAt.Sub(at.Add(80*time.Minute)).Abs() > time.Second {
			t.Errorf("rate %v, limit at %v", *r.Rate, r.LimitAt)
		}
		rows, err := x.reader.Rows(t.Context(), x.standings(n))
		if err != nil || len(rows) != 1 || *rows[0].Rate != *r.Rate {
			t.Errorf("got %+v, error %v", rows, err)
		}
	}
	if rows, err := x.reader.Rows(t.Context(), x.standings(Name{n.Kind, "nobody"})); err != nil || len(rows) != 0 {
		t.Errorf("got %+v, error %v", rows, err)
	}
}

// TestRateOfOtherLimits: what was seen under another limit says nothing of how fast the limit comes nearer.
func TestRateOfOtherLimits(t *testing.T) {
	x := newFixture(t)
	n := Name{thresholds.Account, "a"}
	see := func(minutes int, clicks uint64, fraction float64) *float64 {
		t.Helper()
		at := start.Add(time.Duration(minutes) * time.Minute)
		x.write(n, x.subject(n.Kind, at, clicks), 1)
		x.lister.Take(x.shard(n), &Ticket{}, n, []Change{{Progress: 5000, Listed: true, Sights: []Sight{{at.UnixNano(), fraction}}}})
		x.lister.Flush(t.Context())
		page, err := x.reader.Nearest(t.Context(), Filter{}, 1, "")
		if err != nil || len(page.Rows) != 1 {
			t.Fatalf("%+v, %v", page, err)
		}
		return page.Rows[0].Rate
	}
	for i := range 3 {
		see(i, 500, 0.5)
	}
	x.program = enginetest.Compile(t, strings.Replace(pack, "{sends: 1000}", "{sends: 2000}", 1))
	x.over(x.mem, 0)
	for i := range 3 {
		if got := see(10+i, 500, 0.25); (got != nil) != (i == 2) || got != nil && *got != 0 {
			t.Errorf("%d: rate %v", i, got)
		}
	}
}

// TestWalkTies: of thousands of equals, over all lists, each comes once.
func TestWalkTies(t *testing.T) {
	x := newFixture(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	var want []string
	type row struct {
		progress uint64
		kind     thresholds.Kind
		id, rule string
		order    int
	}
	var rows []row
	for i := range 3000 {
		id := fmt.Sprint(rnd.IntN(1e9), "-", i)
		if i%3 == 0 {
			x.put(thresholds.Account, id, 500)
			rows = append(rows, row{5000, thresholds.Account, id, "sends", 1})
			continue
		}
		values := []uint64{500 + rnd.Uint64N(2), 500}
		x.put(thresholds.Incident, id, values...)
		rows = append(rows, row{10 * values[0], thresholds.Incident, id, "views", 0}, row{10 * values[1], thresholds.Incident, id, "clicks", 2})
	}
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(b.progress, a.progress), cmp.Compare(a.kind, b.kind), cmp.Compare(a.id, b.id), cmp.Compare(a.order, b.order))
	})
	for _, r := range rows {
		want = append(want, fmt.Sprintf("%s/%s:%d", r.rule, r.id, r.progress))
	}
	for _, limit := range []int{1000, 37} {
		if got := x.walk(Filter{}, limit); !slices.Equal(got, want) {
			t.Errorf("by %d: %d rows, want %d", limit, len(got), len(want))
		}
	}
}

// TestNearestTouchesLittle: of 10^5 rows only those that are shown are read, and the next.
func TestNearestTouchesLittle(t *testing.T) {
	x := newFixture(t)
	var shown []string
	byShard := map[int][]windowstore.RowChange{}
	for i := range 100_000 {
		n := Name{thresholds.Account, fmt.Sprint("acc-", i)}
		if i < 51 {
			x.put(n.Kind, n.ID, 3000)
			shown = append(shown, n.ID)
			continue
		}
		byShard[x.shard(n)] = append(byShard[x.shard(n)], windowstore.RowChange{RowName: windowstore.RowName{Rule: "sends", ID: []byte(n.ID)}, Progress: 1000 + uint64(i%9000)})
	}
	for shard, changes := range byShard {
		if err := x.mem.List(t.Context(), shard, changes...); err != nil {
			t.Fatal(err)
		}
	}
	s := &counting{Store: x.mem}
	x.over(s, 0)
	page, err := x.reader.Nearest(t.Context(), Filter{}, 50, "")
	if err != nil || len(page.Rows) != 50 || page.Next == "" {
		t.Fatalf("%d rows, next %q, error %v", len(page.Rows), page.Next, err)
	}
	var got []string
	for _, r := range page.Rows {
		got = append(got, r.Subject)
	}
	slices.Sort(shown)
	if !slices.Equal(got, shown[:50]) || s.keys != 51 || s.rows > 400 || s.calls > 14 {
		t.Errorf("%d records and %d rows of lists read in %d calls for %d rows", s.keys, s.rows, s.calls, len(got))
	}
	// What does not pass the filter is looked at in bounds.
	page, err = x.reader.Nearest(t.Context(), Filter{Since: start.AddDate(1, 0, 0)}, 50, "")
	if err != nil || len(page.Rows) != 0 || page.Next == "" || s.keys > 51+examineMost {
		t.Errorf("%d rows, next %q, error %v, %d records read", len(page.Rows), page.Next, err, s.keys)
	}
}

// TestNearestCalls: also who asks for one row, which no subject is recent enough for, has the store asked in few calls.
func TestNearestCalls(t *testing.T) {
	x := newFixture(t)
	for i := range 3000 {
		x.put(thresholds.Account, fmt.Sprint("acc-", i), 500+uint64(i%7))
	}
	s := &counting{Store: x.mem}
	x.over(s, 0)
	page, err := x.reader.Nearest(t.Context(), Filter{Since: start.AddDate(1, 0, 0)}, 1, "")
	t.Logf("%d calls", s.calls)
	if err != nil || len(page.Rows) != 0 || page.Next == "" || s.calls > 150 || s.sights != 0 {
		t.Errorf("%d rows, next %q, error %v, %d calls, %d for sights", len(page.Rows), page.Next, err, s.calls, s.sights)
	}
}

// TestCursors: what is no cursor is refused.
func TestCursors(t *testing.T) {
	x := newFixture(t)
	x.put(thresholds.Account, "a", 500)
	x.put(thresholds.Account, "b", 500)
	page, err := x.reader.Nearest(t.Context(), Filter{}, 1, "")
	if err != nil || page.Next == "" {
		t.Fatalf("%+v, %v", page, err)
	}
	for _, cursor := range []string{"x", "AQ", "AQE", "AQEF", "AQEBeA", page.Next[:3] + "!", "Ag" + page.Next[2:]} {
		if _, err := x.reader.Nearest(t.Context(), Filter{}, 1, cursor); !errors.Is(err, ErrCursor) {
			t.Errorf("%q: error %v", cursor, err)
		}
	}
}
