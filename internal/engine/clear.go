package engine

import (
	"math"
)

// Clear ends the episodes whose clear is dated by time now (ns), in order of their
// dates, and moves the subject's time there. All that are due at one date are
// found before time moves to it, since a clear dates from a bucket after it.
func (a *Applier) Clear(s *Subject, now int64) {
	for s.Due <= now {
		date, due := a.nextClears(s, a.room.due[:0])
		s.Due, a.room.due = date, due
		if date > now {
			return
		}
		s.Advance(date)
		for _, r := range due {
			a.endEpisode(s, r, date)
		}
	}
}

// endEpisode announces that the episode of rule r has ended, and begins the next one.
func (a *Applier) endEpisode(s *Subject, r int, date int64) {
	rule := &a.Program.Kinds[s.Kind].Rules[r]
	values := rule.AppendValues(a.room.values[:0], s.Subject)
	a.room.values = values
	state := s.RuleState(r)
	state.Episode, state.Level = max(state.Episode, 1), 0
	c := a.crossing(s, rule, values, date)
	c.Episode = state.Episode
	a.Emit(s, &c)
	state.Episode++
	s.SetRuleState(r, state)
}

// Redate works s.Due out again: the date at which a rule of s clears next with nothing added, ns; Never if none does.
func (a *Applier) Redate(s *Subject) int64 {
	s.Due, a.room.due = a.nextClears(s, a.room.due[:0])
	return s.Due
}

// nextClears is that date, and appends the rules that clear then, in the packs' order.
func (a *Applier) nextClears(s *Subject, dst []int) (date int64, due []int) {
	date, due = Never, dst
	for r := range a.Program.Kinds[s.Kind].Rules {
		d := a.clearDate(s, r)
		if d < date {
			date, due = d, dst
		}
		if d == date && d != Never {
			due = append(due, r)
		}
	}
	return date, due
}

// clearDate is the start of the first bucket after the subject's time at which rule r is under its
// clear and no measure is a lower bound, if nothing is added. It is Never if the rule is not armed
// or cannot clear. Values only fall as the window slides, so the bucket is found by bisection:
// after a whole window everything has left. While the window reaches back before a counter began
// there is no such bucket: what was there before is not known.
func (a *Applier) clearDate(s *Subject, r int) int64 {
	rule := &a.Program.Kinds[s.Kind].Rules[r]
	if rule.Clear == 0 || rule.Window == 0 || s.RuleState(r).Level == 0 {
		return Never
	}
	now, ok := s.Time()
	if !ok {
		return Never
	}
	step := rule.span.Step
	low := max(rule.span.Bucket(now)+1, a.firstWhole(s, rule))
	high := min(low+rule.span.N, Never/step) // no date lies beyond what nanoseconds reach
	for low < high {
		middle := low + (high-low)/2 // a half of the sum would round up before 1970
		if a.clearsAt(s, rule, middle*step) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	if low > Never/step || !a.clearsAt(s, rule, low*step) {
		return Never
	}
	return low * step
}

// clearsAt reports whether the rule is under its clear at time t (ns) with nothing added.
func (a *Applier) clearsAt(s *Subject, rule *BoundRule, t int64) bool {
	a.room.later = rule.appendValuesAt(a.room.later[:0], s.Subject, t)
	return rule.Clears(a.room.later)
}

// firstWhole is the first bucket, of the rule's steps, whose window holds nothing from before
// a counter of the rule began.
func (a *Applier) firstWhole(s *Subject, rule *BoundRule) int64 {
	first := int64(math.MinInt64)
	for _, c := range rule.Counters {
		if t := a.since(s, c); t != NoTime {
			first = max(first, rule.span.Bucket(t-1)+1+rule.span.N)
		}
	}
	return first
}
