package oracle

import (
	"math/big"
	"time"
)

// mostSum is where a sum stays, and the most a weighted count shows.
const mostSum = 1<<53 - 1

// history counts by loop: it keeps every event of a subject, with the T at which it was applied, and nothing else.
type history struct{ entries []entry }

type entry struct {
	ev  *event
	now time.Time // T of the subject when ev was applied
}

func (h *history) add(ev *event, now time.Time, _ []*counter) {
	h.entries = append(h.entries, entry{ev, now})
}

func (h *history) displaced() bool { return false }

func (h *history) value(c *counter, at time.Time) (int64, bool) {
	if c.measure.distinct {
		return h.countKeys(c, at)
	}
	return h.sum(c, at)
}

// taken returns the entries that c took: those that match, were not late, and came after what they had to come after.
func (h *history) taken(c *counter) []entry {
	var taken []entry
	for i, e := range h.entries {
		if !c.measure.matches(c.by, e.ev) || c.late(e.ev.time, e.now) {
			continue
		}
		if c.after == nil || hasBefore(h.entries[:i], c.after, e) {
			taken = append(taken, e)
		}
	}
	return taken
}

// hasBefore reports whether an event of the other counter was applied earlier, is no later than e,
// and lies in e's window.
func hasBefore(earlier []entry, other *counter, e entry) bool {
	for _, o := range earlier {
		if other.measure.matches(other.by, o.ev) && !o.ev.time.After(e.ev.time) && !other.late(o.ev.time, e.now) {
			return true
		}
	}
	return false
}

// sum adds the taken entries, each cut so that the window at its time stays at mostSum.
func (h *history) sum(c *counter, at time.Time) (int64, bool) {
	type kept struct{ bucket, n int64 }
	var all []kept
	within := func(t time.Time) (total int64) {
		for _, k := range all {
			if k.bucket >= c.oldest(t) {
				total += k.n
			}
		}
		return total
	}
	atLeast := false
	for _, e := range h.taken(c) {
		bucket, n, room := c.bucket(e.ev.time), c.measure.amount(e.ev), mostSum-within(e.now)
		if n > room && bucket >= c.oldest(at) {
			atLeast = true
		}
		all = append(all, kept{bucket, min(n, room)})
	}
	return within(at), atLeast
}

// heldKey is a key in a window.
type heldKey struct {
	key            string
	bucket, weight int64
	place          int // number of the entry that put it into its bucket
}

// countKeys plays the taken entries again over a list of keys and weighs what is left at the end.
func (h *history) countKeys(c *counter, at time.Time) (int64, bool) {
	var held []heldKey
	atLeast := false
	for i, e := range h.taken(c) {
		held = inWindow(held, c.oldest(e.now))
		key, weight := c.measure.key(e.ev)
		next := heldKey{key, c.bucket(e.ev.time), weight, i}
		old := find(held, key)
		switch {
		case old != nil && old.bucket >= next.bucket:
			old.weight = max(old.weight, weight)
			continue
		case old != nil:
			next.weight = max(old.weight, weight)
			*old = next
			continue
		case int64(len(held)) >= c.keys:
			first := firstToGo(held)
			atLeast = atLeast || held[first].bucket >= c.oldest(at)
			held = append(held[:first], held[first+1:]...)
		}
		held = append(held, next)
	}
	return weigh(inWindow(held, c.oldest(at)), atLeast)
}

func inWindow(held []heldKey, oldest int64) []heldKey {
	var in []heldKey
	for _, k := range held {
		if k.bucket >= oldest {
			in = append(in, k)
		}
	}
	return in
}

func find(held []heldKey, key string) *heldKey {
	for i := range held {
		if held[i].key == key {
			return &held[i]
		}
	}
	return nil
}

// firstToGo returns the index of the key of the oldest bucket; among several, the key that came
// there first.
func firstToGo(held []heldKey) int {
	first := 0
	for i, k := range held {
		if k.bucket < held[first].bucket || k.bucket == held[first].bucket && k.place < held[first].place {
			first = i
		}
	}
	return first
}

func weigh(held []heldKey, atLeast bool) (int64, bool) {
	total := new(big.Int)
	for _, k := range held {
		total.Add(total, big.NewInt(k.weight))
	}
	return cut(total, atLeast)
}

// cut shows a total of weights, at most mostSum.
func cut(total *big.Int, atLeast bool) (int64, bool) {
	if total.Cmp(big.NewInt(mostSum)) > 0 {
		return mostSum, true
	}
	return total.Int64(), atLeast
}
