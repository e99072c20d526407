package stream

import (
	"cmp"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// counts calls yield with a line (thresholds.AppendCounts) for each rule and
// subject of whose measures any is above 0, as of the subject's time, sorted by the bytes of
// rule, then subject. The line is valid during the call only.
func (a *applier) counts(subjects []*subject, yield func(line []byte) bool) {
	type row struct {
		rule    *boundRule
		number  int
		subject *subject
	}
	var rows []row
	for _, s := range subjects {
		rules := a.program.kinds[s.kind].rules
		for i := range rules {
			rows = append(rows, row{&rules[i], i, s})
		}
	}
	slices.SortFunc(rows, func(x, y row) int {
		return cmp.Or(cmp.Compare(x.rule.ID, y.rule.ID), cmp.Compare(x.subject.id, y.subject.id))
	})
	var line []byte
	for _, x := range rows {
		a.readValues(x.subject, x.rule)
		if !slices.ContainsFunc(a.values, func(v thresholds.Value) bool { return v.Value > 0 }) {
			continue
		}
		m := x.subject.RuleState(x.number)
		st := thresholds.State{Level: thresholds.Level(m.Level), Episode: max(m.Episode, 1)}
		line = thresholds.AppendCounts(line[:0], x.rule.Rule, x.subject.id, st, a.values)
		if !yield(line) {
			return
		}
	}
}

// Counts calls yield with the counts lines of everything the replay has kept.
func (r *Replay) Counts(yield func(line []byte) bool) {
	var all []*subject
	for k := range r.subjects {
		for _, s := range r.subjects[k] {
			all = append(all, s)
		}
	}
	r.apply.counts(all, yield)
}
