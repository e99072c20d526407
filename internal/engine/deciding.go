package engine

import (
	"fmt"
	"slices"
	"strings"
)

// Deciding is all that decides what rule r announces, as a text: two rules with one text, fed with the same events, announce the
// same, though one may do so in shadow. Titles and the like are not in it.
func (t *KindTable) Deciding(r int) string {
	var b strings.Builder
	rule := &t.Rules[r]
	fmt.Fprintf(&b, "window %d step %d combine %d of %d levels %v clear %v", rule.Window, rule.Step, rule.Combine, rule.K, rule.Levels, rule.Clear)
	for i, c := range rule.Counters {
		fmt.Fprintf(&b, "; %s cap %d limit %d", t.defs[c], t.Layout.Counters[c].Cap, rule.Limits[i].Value)
		if after := t.After[c]; after >= 0 {
			fmt.Fprintf(&b, " after %s", t.defs[after])
		}
	}
	return b.String()
}

// Find is the number of the rule of a mark; -1: there is none.
func (t *KindTable) Find(mark string) int {
	return slices.IndexFunc(t.Rules, func(r BoundRule) bool { return r.Mark() == mark })
}

// Clears is all that decides when episodes end while nothing is added, as a text.
func (t *KindTable) Clears() string {
	var rules []string
	for r := range t.Rules {
		if t.Rules[r].EndsAlone() {
			rules = append(rules, t.Rules[r].Mark()+": "+t.Deciding(r))
		}
	}
	slices.Sort(rules)
	return strings.Join(rules, "\n")
}

// EndsAlone reports whether episodes of the rule end while nothing is added.
func (r *BoundRule) EndsAlone() bool { return r.Clear != 0 && r.Window != 0 }

// Takes reports whether both tables have the same counters, so that the same events are counted, or none.
func (t *KindTable) Takes(o *KindTable) bool {
	return len(t.defs) == len(o.defs) && !slices.ContainsFunc(t.defs, func(d string) bool { _, ok := o.byID[d]; return !ok })
}

// Cap is the most keys that the counter of a hash keeps; false: there is no such counter.
func (t *KindTable) Cap(id uint64) (most int, ok bool) {
	for i := range t.Layout.Counters {
		if t.Layout.Counters[i].ID == id {
			return t.Layout.Counters[i].Cap, true
		}
	}
	return 0, false
}

// Bucket is the number of the bucket that a time (ns) lies in, by the rule's step.
func (r *BoundRule) Bucket(t int64) int64 { return r.span.Bucket(t) }

// SlidesAt is when, after a time (ns), the rule's window slides: before, its values do not fall. Never: they never do.
func (r *BoundRule) SlidesAt(t int64) int64 {
	if r.span.Step == 0 {
		return Never
	}
	return r.span.Step * (r.span.Bucket(t) + 1)
}
