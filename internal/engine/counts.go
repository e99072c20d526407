package engine

import (
	"cmp"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// Counts calls yield with a line (thresholds.AppendCounts) for each rule and
// subject of whose measures any is above 0, as of the subject's time, sorted by the bytes of
// rule, then subject. The line is valid during the call only.
func (a *Applier) Counts(subjects []*Subject, yield func(line []byte) bool) {
	type row struct {
		rule    *boundRule
		number  int
		subject *Subject
	}
	var rows []row
	for _, s := range subjects {
		rules := a.Program.Kinds[s.Kind].Rules
		for i := range rules {
			rows = append(rows, row{&rules[i], i, s})
		}
	}
	slices.SortFunc(rows, func(x, y row) int {
		return cmp.Or(cmp.Compare(x.rule.ID, y.rule.ID), cmp.Compare(x.subject.ID, y.subject.ID))
	})
	var line []byte
	for _, x := range rows {
		a.ReadValues(x.subject, x.rule)
		if !slices.ContainsFunc(a.Values, func(v thresholds.Value) bool { return v.Value > 0 }) {
			continue
		}
		m := x.subject.RuleState(x.number)
		st := thresholds.State{Level: thresholds.Level(m.Level), Episode: max(m.Episode, 1)}
		line = thresholds.AppendCounts(line[:0], x.rule.Rule, x.subject.ID, st, a.Values)
		if !yield(line) {
			return
		}
	}
}

// Counts calls yield with the counts lines of everything the replay has kept.
func (r *Replay) Counts(yield func(line []byte) bool) {
	var all []*Subject
	for k := range r.subjects {
		for _, s := range r.subjects[k] {
			all = append(all, s)
		}
	}
	r.Apply.Counts(all, yield)
}
