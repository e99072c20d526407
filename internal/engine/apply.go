package engine

import "github.com/seed-afe14ff2/aggregator/internal/thresholds"

// Applier carries operations out on subjects, one at a time, and announces what they cross. It belongs to one goroutine.
type Applier struct {
	// Program has the counters and the rules.
	Program *Program
	// Since returns the time from which on a counter has everything, ns, by kind and number of the
	// counter; 0: from the start. Nil: all counters have everything.
	Since func(kind thresholds.Kind, counter int) int64
	// Emit takes what was announced. The crossing and its slices are valid during the call only.
	Emit func(s *Subject, c *thresholds.Crossing)
	// Location is where the event being applied lies, for the evidence. Without a topic the
	// evidence has none.
	Location Location

	room buffers
}

// Discard is an Emit for those who announce nothing.
func Discard(*Subject, *thresholds.Crossing) {}

// buffers are kept from one operation to the next, so that an event makes no garbage. Nothing is handed on in them: a method
// takes one, fills it by append, and puts it back.
type buffers struct {
	refused     []bool
	fed, merged []int
	values      []thresholds.Value
	levels      []thresholds.Level
	later       []thresholds.Value // at a time to come
	due         []int
}

// Moment is how far the stream is when an event is applied, the event's own time included, ns.
type Moment struct {
	// Time is the stream's: what it has reached is due. NoTime: for some partition it is not known
	// that anything matched.
	Time int64
	// Known is the same without such partitions: the subject's delay is measured from it. If it
	// were too small, the subject would be cleared under its own events once the others are known.
	Known int64
}

// Location is where an event lies in Kafka.
type Location struct {
	Topic     string
	Partition int
	Offset    int64
}

// Outcome is what became of an operation.
type Outcome struct {
	Late    bool // no counter took it: for each it was too old
	Refused bool // an `after` condition kept it out of a counter that it was not late for
	Capped  bool // a counter that took it is a lower bound

	// Fed are the rules that read a counter which took it: their numbers, rising. Valid until the next operation.
	Fed []int
}

// Apply counts one operation. Clears that are due by the subject's time or by
// the stream's time come first. The parts of s that the operation's adds need
// must be loaded.
func (a *Applier) Apply(s *Subject, o *Operation, m Moment) Outcome {
	now := o.Time
	if t, ok := s.Time(); ok && t > now {
		now = t
	}
	a.Clear(s, max(now, s.Reached(m.Time)))
	s.Follow(o.Time, m.Known)
	s.Touch(o.Time)
	s.Advance(now)
	out := a.add(s, o)
	if s.Kind == thresholds.Canary {
		renew(s)
	}
	a.announce(s, o, out.Fed)
	return out
}

// add adds o to its counters where it is not late and not refused.
func (a *Applier) add(s *Subject, o *Operation) Outcome {
	t := &a.Program.Kinds[s.Kind]
	refused := a.refused(s, o)
	out := Outcome{Late: true}
	fed, merged := a.room.fed[:0], a.room.merged
	for i, x := range o.Adds {
		if s.Late(x.Counter, o.Time) {
			continue
		}
		out.Late = false
		if refused[i] {
			out.Refused = true
			continue
		}
		s.Add(x.Counter, o.Time, x.Key, x.num)
		if _, atLeast := s.Value(x.Counter); atLeast {
			out.Capped = true
		}
		if rules := t.feeds[x.Counter]; len(fed) == 0 {
			fed = append(fed, rules...)
		} else {
			merged = merge(merged[:0], fed, rules)
			fed, merged = merged, fed
		}
	}
	a.room.fed, a.room.merged = fed, merged
	out.Fed = fed
	return out
}

// refused reports for each of o's additions whether a condition keeps it out. All conditions are
// looked at before anything is added, since an event does not come after itself. The answer is
// valid until the next call.
func (a *Applier) refused(s *Subject, o *Operation) []bool {
	t := &a.Program.Kinds[s.Kind]
	refused := a.room.refused[:0]
	for _, x := range o.Adds {
		after := t.After[x.Counter]
		refused = append(refused, after >= 0 && !s.Preceded(after, o.Time))
	}
	a.room.refused = refused
	return refused
}

// announce announces the levels newly reached by the rules that were fed, or by
// every rule of a fresh subject.
func (a *Applier) announce(s *Subject, o *Operation, fed []int) {
	if s.fresh {
		s.fresh = false
		for r := range a.Program.Kinds[s.Kind].Rules {
			a.cross(s, r, o)
		}
		return
	}
	for _, r := range fed {
		a.cross(s, r, o)
	}
}

// cross announces the levels that rule r has newly reached.
func (a *Applier) cross(s *Subject, r int, o *Operation) {
	rule := &a.Program.Kinds[s.Kind].Rules[r]
	state := s.RuleState(r)
	if state.Level >= uint64(rule.Levels[len(rule.Levels)-1]) {
		return
	}
	values := rule.AppendValues(a.room.values[:0], s.Subject)
	levels := rule.Next(thresholds.Level(state.Level), values, a.room.levels[:0])
	a.room.values, a.room.levels = values, levels
	if len(levels) > 0 {
		a.announceLevels(s, r, o, values, levels)
	}
}

// announceLevels announces levels that rule r has newly reached with values.
func (a *Applier) announceLevels(s *Subject, r int, o *Operation, values []thresholds.Value, levels []thresholds.Level) {
	rule := &a.Program.Kinds[s.Kind].Rules[r]
	state := s.RuleState(r)
	state.Episode = max(state.Episode, 1)
	now, _ := s.Time()
	c := a.crossing(s, rule, values, now)
	c.Episode, c.Event = state.Episode, string(o.Event)
	c.Topic, c.Partition, c.Offset = a.Location.Topic, a.Location.Partition, a.Location.Offset
	for _, c.Level = range levels {
		a.Emit(s, &c)
	}
	state.Level = uint64(c.Level)
	s.SetRuleState(r, state)
	s.Due = min(s.Due, a.clearDate(s, r))
}

// merge appends what is in x or in y, both of which rise.
func merge(dst, x, y []int) []int {
	for len(x) > 0 && len(y) > 0 {
		low := min(x[0], y[0])
		dst = append(dst, low)
		if x[0] == low {
			x = x[1:]
		}
		if y[0] == low {
			y = y[1:]
		}
	}
	return append(append(dst, x...), y...)
}
