package fetch

import (
	"cmp"
	"slices"
)

// aborted is the transactions aborted in a set, and those of them that the
// walk is in.
type aborted struct {
	list []txn // by first offset
	next int   // the first of list not begun
	open map[int64]struct{}
}

type txn struct {
	producer, first int64
}

func (a *aborted) sort() {
	a.next = 0
	clear(a.open)
	slices.SortFunc(a.list, func(x, y txn) int { return cmp.Compare(x.first, y.first) })
}

// upTo begins the transactions whose first offset is not above last.
func (a *aborted) upTo(last int64) {
	for a.next < len(a.list) && a.list[a.next].first <= last {
		if a.open == nil {
			a.open = make(map[int64]struct{})
		}
		a.open[a.list[a.next].producer] = struct{}{}
		a.next++
	}
}

func (a *aborted) hides(producer int64) bool {
	_, ok := a.open[producer]
	return ok
}

func (a *aborted) end(producer int64) { delete(a.open, producer) }
