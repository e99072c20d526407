package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// list puts a row into the list of a rule.
func (d Desk) list(rule, id string, progress uint64, sights string) {
	d.T.Helper()
	d.change(store.RowChange{RowName: name(rule, id), Progress: progress, Sights: Opt(sights)})
}

func (d Desk) change(changes ...store.RowChange) {
	d.T.Helper()
	if err := d.Store.List(d.T.Context(), d.Shard, changes...); err != nil {
		d.T.Fatal(err)
	}
}

func name(rule, id string) store.RowName { return store.RowName{Rule: rule, ID: []byte(id)} }

// rows is a stretch of the list of a rule, as text.
func (d Desk) rows(a store.RowsAsked) string {
	d.T.Helper()
	a.Shard = d.Shard
	all, err := d.Store.Rows(d.T.Context(), a)
	if err != nil || len(all) != 1 {
		d.T.Fatalf("%d lists, error %v", len(all), err)
	}
	return rowsText(all[0])
}

func rowsText(rows []store.Row) string {
	var texts []string
	for _, r := range rows {
		texts = append(texts, fmt.Sprintf("%q:%d", r.ID, r.Progress))
	}
	return strings.Join(texts, " ")
}

func testList(t *testing.T, s store.Store) {
	d := Desk{t, s, 3}
	kept := func(want string, names ...store.RowName) {
		t.Helper()
		all, err := s.LookUp(t.Context(), d.Shard, names...)
		sights, err2 := s.Sights(t.Context(), d.Shard, names...)
		if err != nil || err2 != nil || len(sights) != len(all) {
			t.Fatalf("%d rows, error %v, %d sights, error %v", len(all), err, len(sights), err2)
		}
		var got []string
		for i, k := range all {
			got = append(got, fmt.Sprintf("%v:%d:%s", k.Listed, k.Progress, sights[i]))
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: got %q, error %v, want %q", names, got, err, want)
		}
	}
	kept("false:0:", name("r", "a"))
	kept("")
	d.list("r", "a", 5000, "-")
	d.list("q", "a", 7000, "s1")
	kept("true:5000: true:7000:s1 false:0: false:0:", name("r", "a"), name("q", "a"), name("q", "b"), name("none", "a"))
	d.list("q", "a", 0, "-") // its sights stay
	d.change(store.RowChange{RowName: name("q", "a"), Progress: 7, Sights: []byte("s0"), Beside: true})
	kept("true:0:s0", name("q", "a"))
	d.change(store.RowChange{RowName: name("q", "a"), Progress: 7, Beside: true}, store.RowChange{RowName: name("q", "b"), Progress: 7, Sights: []byte("s1"), Beside: true})
	kept("true:0:s0 false:0:s1", name("q", "a"), name("q", "b"))
	d.change(store.RowChange{RowName: name("q", "b"), Gone: true})
	d.list("q", "a", 0, "s1")
	kept("true:0:s1", name("q", "a"))
	d.list("q", "a", store.MostProgress+1, "s2")
	kept("true:9007199254740992:s2", name("q", "a"))

	gone := store.RowChange{RowName: name("q", "a"), Gone: true}
	d.change(gone, store.RowChange{RowName: name("q", "b\x00\xff"), Progress: 1, Sights: []byte("x")}, store.RowChange{RowName: name("r", "b"), Progress: 2})
	kept("false:0: true:1:x true:2: true:5000:", name("q", "a"), name("q", "b\x00\xff"), name("r", "b"), name("r", "a"))
	d.change(gone, store.RowChange{RowName: name("none", "a"), Gone: true})
	d.list("q", "a", 3, "-")
	kept("true:3:", name("q", "a")) // without the sights of before
	d.Shard = 4
	kept("false:0:", name("q", "a"))
	d.change()
}

func testRows(t *testing.T, s store.Store) {
	d := Desk{t, s, 3}
	f := func(want string, a store.RowsAsked) {
		t.Helper()
		a.Rule = "r"
		if got := d.rows(a); got != want {
			t.Errorf("%+v: got %s, want %s", a, got, want)
		}
	}
	f("", store.RowsAsked{From: store.Top(), Limit: 5})
	d.list("r", "low", 1000, "-")
	d.list("r", "b", 5000, "-")
	d.list("r", "a", 5000, "x")
	d.list("r", "c\x00\xff", 5000, "-")
	d.list("r", "most", store.MostProgress, "-")
	d.list("r", "none", 0, "-")
	d.list("other", "a", 9000, "-")
	f(`"most":9007199254740992 "a":5000`, store.RowsAsked{From: store.Top(), Limit: 2})
	f(`"a":5000 "b":5000 "c\x00\xff":5000 "low":1000 "none":0`, store.RowsAsked{From: store.Place{Progress: 5000}, Limit: 10})
	f(`"a":5000`, store.RowsAsked{From: store.Place{Progress: 4 << 50}, Limit: 1})
	f(`"b":5000 "c\x00\xff":5000`, store.RowsAsked{From: store.Place{Progress: 5000, ID: []byte("a"), After: true}, Limit: 2})
	f(`"a":5000 "b":5000`, store.RowsAsked{From: store.Place{Progress: 5000, ID: []byte("a")}, Limit: 2})
	f(`"c\x00\xff":5000 "low":1000`, store.RowsAsked{From: store.Place{Progress: 5000, ID: []byte("bb")}, Limit: 2})
	f(`"low":1000`, store.RowsAsked{From: store.Place{Progress: 5000, ID: []byte("x"), After: true}, Limit: 1})
	f(`"low":1000 "none":0`, store.RowsAsked{From: store.Place{Progress: 4000, ID: []byte("x"), After: true}, Limit: 3})
	f(``, store.RowsAsked{From: store.Place{Progress: 0, ID: []byte("none"), After: true}, Limit: 3})
	f(`"b":5000 "c\x00\xff":5000`, store.RowsAsked{From: store.Top(), Skip: 2, Limit: 2})
	f(`"none":0`, store.RowsAsked{From: store.Top(), Skip: 5, Limit: 2})
	f(``, store.RowsAsked{From: store.Top(), Skip: 6, Limit: 2})

	all, err := s.Rows(t.Context(), store.RowsAsked{Shard: 3, Rule: "other", From: store.Top(), Limit: 1}, store.RowsAsked{Shard: 4, Rule: "r", From: store.Top(), Limit: 1},
		store.RowsAsked{Shard: 3, Rule: "r", From: store.Place{Progress: 5000, ID: []byte("b")}, Limit: 1})
	if err != nil || len(all) != 3 || rowsText(all[0]) != `"a":9000` || len(all[1]) > 0 || rowsText(all[2]) != `"b":5000` {
		t.Errorf("%v, error %v", all, err)
	}
	clear(all[0][0].ID)
	counts, err := s.CountRows(t.Context(), store.RowsCounted{Shard: 3, Rule: "r", Least: 1000}, store.RowsCounted{Shard: 3, Rule: "r"}, store.RowsCounted{Shard: 3, Rule: "r", Least: 5001}, store.RowsCounted{Shard: 4, Rule: "r"})
	if err != nil || !slices.Equal(counts, []int{5, 6, 1, 0}) {
		t.Errorf("counts %v, error %v", counts, err)
	}
	if got := d.rows(store.RowsAsked{Rule: "other", From: store.Top(), Limit: 1}); got != `"a":9000` {
		t.Errorf("what was given is not a copy: %s", got)
	}
}

// testEqualRows walks a list of equals, in both ways.
func testEqualRows(t *testing.T, s store.Store) {
	d := Desk{t, s, 3}
	var changes []store.RowChange
	var want []string
	for i := range 1000 {
		id := fmt.Sprint("inc-", i)
		want = append(want, id)
		changes = append(changes, store.RowChange{RowName: name("r", id), Progress: 5000})
	}
	slices.Sort(want)
	d.change(changes...)
	d.list("r", "first", 5001, "-")
	d.list("r", "last", 4999, "-")
	want = append(append([]string{"first"}, want...), "last")
	var got []string
	for at := store.Top(); ; {
		all, err := s.Rows(t.Context(), store.RowsAsked{Shard: 3, Rule: "r", From: at, Limit: 7})
		if err != nil {
			t.Fatal(err)
		}
		if len(all[0]) == 0 {
			break
		}
		for _, r := range all[0] {
			got = append(got, string(r.ID))
			at = store.Place{Progress: r.Progress, ID: r.ID, After: true}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// testStrays: the sights of rows that are listed stay, however many they are, and no others.
func testStrays(t *testing.T, s store.Store) {
	d := Desk{t, s, 3}
	var changes []store.RowChange
	for i := range 2000 {
		changes = append(changes, store.RowChange{RowName: name("r", fmt.Sprint("inc-", i)), Progress: 1, Sights: []byte("x")})
	}
	d.change(changes...)
	stray := store.RowChange{RowName: name("r", "stray"), Sights: []byte("x"), Beside: true}
	d.change(stray)
	for _, rule := range []string{"r", "none"} {
		steps := 0
		for from := uint64(0); steps == 0 || from > 0; steps++ {
			var err error
			if from, err = s.DropStrays(t.Context(), 3, rule, from); err != nil || steps > 2000 {
				t.Fatalf("step %d, error %v", steps, err)
			}
		}
	}
	for _, c := range changes {
		if sights, err := s.Sights(t.Context(), 3, c.RowName); err != nil || string(sights[0]) != "x" {
			t.Fatalf("%s: sights %q, error %v", c.ID, sights, err)
		}
	}
	if sights, err := s.Sights(t.Context(), 3, stray.RowName); err != nil || sights[0] != nil {
		t.Errorf("sights %q of no row, error %v", sights, err)
	}
}

func testLists(t *testing.T, s store.Store) {
	d := Desk{t, s, 3}
	f := func(want string) {
		t.Helper()
		rules, err := s.Lists(t.Context(), 3)
		slices.Sort(rules)
		if got := strings.Join(rules, " "); err != nil || got != want {
			t.Errorf("got %s, error %v, want %s", got, err, want)
		}
	}
	f("")
	d.list("r", "a", 1, "x")
	d.list("q", "a", 1, "x")
	Desk{t, s, 4}.list("other", "a", 1, "-")
	f("q r")
	for range 2 {
		if err := s.DropList(t.Context(), 3, "r"); err != nil {
			t.Fatal(err)
		}
		f("q")
	}
	kept, err := s.LookUp(t.Context(), 3, name("r", "a"))
	sights, err2 := s.Sights(t.Context(), 3, name("r", "a"))
	if err != nil || err2 != nil || kept[0].Listed || sights[0] != nil {
		t.Errorf("kept %v, error %v, sights %q, error %v", kept, err, sights, err2)
	}
}
