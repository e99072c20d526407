package engine

import (
	"cmp"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// AppendValues appends what the rule's counters have at the subject's time, by limit.
func (r *BoundRule) AppendValues(dst []thresholds.Value, s *windows.Subject) []thresholds.Value {
	for _, c := range r.Counters {
		v, atLeast := s.Value(c)
		dst = append(dst, thresholds.Value{Value: v, AtLeast: atLeast})
	}
	return dst
}

// appendValuesAt appends what the rule's counters will have at time t (ns), not before the subject's, with nothing added.
func (r *BoundRule) appendValuesAt(dst []thresholds.Value, s *windows.Subject, t int64) []thresholds.Value {
	for _, c := range r.Counters {
		v, atLeast := s.ValueAt(c, t)
		dst = append(dst, thresholds.Value{Value: v, AtLeast: atLeast})
	}
	return dst
}

// Progress is the progress of rule r of s at the subject's time, in 1/10,000.
func (a *Applier) Progress(s *Subject, r int) uint64 {
	rule := &a.Program.Kinds[s.Kind].Rules[r]
	a.room.values = rule.AppendValues(a.room.values[:0], s.Subject)
	return rule.Progress(a.room.values)
}

// AppendProgress appends the progress of every rule of s at the subject's time, in 1/10,000.
func (a *Applier) AppendProgress(dst []uint64, s *Subject) []uint64 {
	for r := range a.Program.Kinds[s.Kind].Rules {
		dst = append(dst, a.Progress(s, r))
	}
	return dst
}

// Counts calls yield with a line (thresholds.AppendCounts) for each rule and subject with a measure
// above 0, as of the subject's time. The lines are sorted by the bytes of rule, then subject. The
// line is valid during the call only.
func (p *Program) Counts(subjects []*Subject, yield func(line []byte) bool) {
	type row struct {
		rule    *BoundRule
		number  int
		subject *Subject
	}
	var rows []row
	for _, s := range subjects {
		rules := p.Kinds[s.Kind].Rules
		for i := range rules {
			rows = append(rows, row{&rules[i], i, s})
		}
	}
	slices.SortFunc(rows, func(x, y row) int {
		return cmp.Or(cmp.Compare(x.rule.ID, y.rule.ID), cmp.Compare(x.subject.ID, y.subject.ID))
	})
	var line []byte
	var values []thresholds.Value
	for _, x := range rows {
		values = x.rule.AppendValues(values[:0], x.subject.Subject)
		if !slices.ContainsFunc(values, func(v thresholds.Value) bool { return v.Value > 0 }) {
			continue
		}
		m := x.subject.RuleState(x.number)
		st := thresholds.State{Level: thresholds.Level(m.Level), Episode: max(m.Episode, 1)}
		line = thresholds.AppendCounts(line[:0], x.rule.Rule, x.subject.ID, st, values)
		if !yield(line) {
			return
		}
	}
}
