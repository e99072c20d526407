package engine

import (
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// crossing is what every crossing of a rule at time now (ns) has in common: all except level,
// episode and event. It keeps values, and notes in them which counters lack something of the
// window. Where the window is all time, what came before the subject's first counted event is not
// known.
func (a *Applier) crossing(s *Subject, rule *BoundRule, values []thresholds.Value, now int64) thresholds.Crossing {
	from := rule.WindowStart(s.Subject, now)
	for i, c := range rule.Counters {
		if t := a.since(s, c); t != NoTime && (rule.Window == 0 || time.Unix(0, t).After(from)) {
			values[i].Since = t
		}
	}
	return thresholds.Crossing{Rule: rule.Rule, Subject: s.ID, Values: values, From: from, Time: now}
}

// since is the time from which on a counter has everything, ns; NoTime: from the start.
func (a *Applier) since(s *Subject, counter int) int64 {
	if a.Since == nil {
		return NoTime
	}
	if t := a.Since(s.Kind, counter); t != 0 {
		return t
	}
	return NoTime
}

// WindowStart is the start of the oldest bucket that the rule covers at time now (ns). It may lie before what nanoseconds reach.
func (r *BoundRule) WindowStart(s *windows.Subject, now int64) time.Time {
	if r.Window == 0 {
		return time.Unix(0, s.First())
	}
	return time.Unix(r.span.Bucket(now)*r.Step-r.Window, 0)
}
