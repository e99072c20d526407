package redis

import (
	"fmt"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// stepLists does something with the lists of a shard, or asks for some.
func (w *twins) stepLists(shard int) {
	w.t.Helper()
	ctx := w.t.Context()
	switch w.random.IntN(12) {
	case 0:
		rule := w.rule()
		w.both("drop list "+rule, func(s store.Store) (any, error) { return nil, s.DropList(ctx, shard, rule) })
	case 1:
		rule := w.rule()
		w.both("drop strays of "+rule, func(s store.Store) (any, error) {
			next, err := s.DropStrays(ctx, shard, rule, 0)
			if next != 0 {
				err = fmt.Errorf("so few take more than a step: %d", next)
			}
			return nil, err
		})
	case 2, 3:
		var asked []store.RowsAsked
		for range 1 + w.random.IntN(3) {
			asked = append(asked, w.rowsAsked())
		}
		w.both(fmt.Sprintf("rows %+v", asked), func(s store.Store) (any, error) { return filled(s.Rows(ctx, asked...)) })
	case 4:
		a := store.RowsCounted{Shard: shard, Rule: w.rule(), Least: w.progress()}
		w.both(fmt.Sprintf("count %+v", a), func(s store.Store) (any, error) {
			return s.CountRows(ctx, a, store.RowsCounted{Shard: shard, Rule: a.Rule})
		})
	case 5:
		w.compareLists(shard)
	default:
		var changes []store.RowChange
		for range w.random.IntN(6) {
			changes = append(changes, w.rowChange())
		}
		w.both(fmt.Sprintf("list %+v", changes), func(s store.Store) (any, error) { return nil, s.List(ctx, shard, changes...) })
	}
}

// filled has empty lists for none: whether they are nil is no difference.
func filled(lists [][]store.Row, err error) ([][]store.Row, error) {
	for i := range lists {
		lists[i] = append([]store.Row{}, lists[i]...)
	}
	return lists, err
}

// compareLists compares all rows of a shard with what is kept beside them, and the rules that have lists. A rule whose list is empty may be
// one of them or not.
func (w *twins) compareLists(shard int) {
	w.t.Helper()
	ctx := w.t.Context()
	var names []store.RowName
	for rule := range 3 {
		for i := range 12 {
			names = append(names, store.RowName{Rule: fmt.Sprint("rule", rule), ID: w.id(i)})
		}
	}
	w.both("look up", func(s store.Store) (any, error) { return s.LookUp(ctx, shard, names...) })
	w.both("sights", func(s store.Store) (any, error) { return s.Sights(ctx, shard, names...) })
	w.both("lists", func(s store.Store) (any, error) {
		rules, err := s.Lists(ctx, shard)
		slices.Sort(rules)
		return fmt.Sprint(slices.DeleteFunc(rules, func(rule string) bool {
			n, _ := s.CountRows(ctx, store.RowsCounted{Shard: shard, Rule: rule})
			return n[0] == 0
		})), err
	})
}

func (w *twins) rowChange() store.RowChange {
	c := store.RowChange{RowName: store.RowName{Rule: w.rule(), ID: w.id(w.random.IntN(12))}, Progress: w.progress()}
	switch w.random.IntN(6) {
	case 0:
		c.Gone = true
	case 1:
		c.Beside, c.Sights = true, []byte(w.value())
	case 2, 3:
		c.Sights = []byte(w.value())
	}
	return c
}

func (w *twins) rowsAsked() store.RowsAsked {
	a := store.RowsAsked{Shard: w.random.IntN(3), Rule: w.rule(), From: store.Top(), Limit: 1 + w.random.IntN(8)}
	switch w.random.IntN(4) {
	case 0:
		a.Skip = w.random.IntN(8)
	case 1:
		a.From = store.Place{Progress: w.progress()}
	case 2:
		a.From = store.Place{Progress: w.progress(), ID: w.id(w.random.IntN(12)), After: w.random.IntN(2) == 0}
	}
	return a
}

// rule, id and progress are few, so that they meet.
func (w *twins) rule() string { return fmt.Sprint("rule", w.random.IntN(3)) }

func (w *twins) id(i int) []byte {
	return []byte([]string{"a", "a\x00", "\xff", "é"}[i%4] + fmt.Sprint(i/4))
}

func (w *twins) progress() uint64 {
	return []uint64{0, 1, 5000, 5001, store.MostProgress, store.MostProgress + 1}[w.random.IntN(6)]
}
