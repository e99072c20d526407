package engine

import (
	"math"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// Never is a time at which no clear is due.
const Never = windows.Never

// Subject is a subject in memory, with what deciding about it needs to know.
type Subject struct {
	*windows.Subject
	Kind thresholds.Kind
	ID   string
	// due is a time before which no clear of this subject is dated; never if
	// none of its rules can clear. Adding only postpones a clear, so it stays
	// true until it is reached: by the subject's own time, or by the stream's less the subject's delay.
	Due int64
	// fresh: every rule is looked at with its next event, not only those that
	// were fed, since limits may have changed since it was written.
	fresh bool
	// queued is its place in a replay's dueQueue, from 1; 0: it is not there.
	queued int
}

// Applier applies operations to subjects, one at a time. It belongs to one
// goroutine.
type Applier struct {
	Program *Program
	// since is the time from which on a counter has everything, by kind and
	// counter; 0: from the start. Nil where nothing is kept of it.
	Since func(kind thresholds.Kind, counter int) int64
	// emit takes what was announced. The crossing and its slices are valid
	// during the call only.
	Emit func(s *Subject, c *thresholds.Crossing)

	// place is where the event being applied lies, for the evidence; the topic
	// is empty where that is not told.
	Location Location

	Values  []thresholds.Value
	levels  []thresholds.Level
	Rules   []int // fed by the operation being applied; rising
	merged  []int
	dues    []int
	refused []bool
	crossed thresholds.Crossing
}

// Moment is how far the stream is when an event is applied, the event's own time included, ns.
type Moment struct {
	// time is the stream's: what it has reached is due. noTime: of a partition it is not known that anything matched.
	Time int64
	// known is the same without such partitions: what the subject's delay is measured from. One that is taken for too small
	// would have the subject cleared under its own events once the others are known.
	Known int64
}

// Location is where an event lies in Kafka.
type Location struct {
	Topic     string
	Partition int
	Offset    int64
}

// Outcome says what became of an operation.
type Outcome struct {
	Late    bool // no counter took it, for each it was too old
	Refused bool // an `after` condition kept it out of a counter that it was not late for
	Capped  bool // a counter that took it is a lower bound
}

// Open makes a subject of its counters. When its first clear is due is worked
// out with its next event: that takes its parts, which may not be loaded yet.
func (a *Applier) Open(ws *windows.Subject, kind thresholds.Kind, id string) *Subject {
	s := &Subject{Subject: ws, Kind: kind, ID: id, Due: Never, fresh: true}
	if ws.Announced() {
		s.Due = NoTime
	}
	return s
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
	return a.count(s, o)
}

// count adds o where it is not late and not refused, and announces the levels
// that this reaches. The conditions are looked at before anything is added, since an
// event does not come after itself.
func (a *Applier) count(s *Subject, o *Operation) Outcome {
	t := &a.Program.Kinds[s.Kind]
	a.refused = a.refused[:0]
	for _, x := range o.Adds {
		after := t.After[x.Counter]
		a.refused = append(a.refused, after >= 0 && !s.Preceded(after, o.Time))
	}
	out := Outcome{Late: true}
	a.Rules = a.Rules[:0]
	for i, x := range o.Adds {
		if s.Late(x.Counter, o.Time) {
			continue
		}
		out.Late = false
		if a.refused[i] {
			out.Refused = true
			continue
		}
		s.Add(x.Counter, o.Time, x.Key, x.num)
		if _, atLeast := s.Value(x.Counter); atLeast {
			out.Capped = true
		}
		a.feed(t.feeds[x.Counter])
	}
	a.announce(s, o)
	return out
}

// announce announces the levels newly reached by the rules that were fed, or by
// every rule of a fresh subject.
func (a *Applier) announce(s *Subject, o *Operation) {
	t := &a.Program.Kinds[s.Kind]
	if s.fresh {
		s.fresh = false
		for r := range t.Rules {
			a.cross(s, r, o)
		}
		return
	}
	for _, r := range a.Rules {
		a.cross(s, r, o)
	}
}

func (a *Applier) cross(s *Subject, r int, o *Operation) {
	rule := &a.Program.Kinds[s.Kind].Rules[r]
	mark := s.RuleState(r)
	if mark.Level >= uint64(rule.Levels[len(rule.Levels)-1]) {
		return
	}
	a.ReadValues(s, rule)
	a.levels = rule.Next(thresholds.Level(mark.Level), a.Values, a.levels[:0])
	if len(a.levels) == 0 {
		return
	}
	mark.Episode = max(mark.Episode, 1)
	for _, l := range a.levels {
		mark.Level = uint64(l)
		now, _ := s.Time()
		a.record(s, rule, now, mark)
		a.crossed.Event = string(o.Event)
		a.crossed.Topic, a.crossed.Partition, a.crossed.Offset = a.Location.Topic, a.Location.Partition, a.Location.Offset
		a.Emit(s, &a.crossed)
	}
	s.SetRuleState(r, mark)
	s.Due = min(s.Due, a.clearDate(s, r))
}

// Awaited is a time before which the stream's makes no clear of s due; never if it never does.
func (s *Subject) Awaited() int64 {
	if s.Due == Never {
		return Never
	}
	return s.Awaits(s.Due)
}

// Clear ends the episodes whose clear is dated by time now, in order of their
// dates, and moves the subject's time there. All that are due at one date are
// found before time moves to it, since a clear dates from a bucket after it.
func (a *Applier) Clear(s *Subject, now int64) {
	for s.Due <= now {
		s.Due = a.FirstClears(s)
		if s.Due > now {
			return
		}
		date := s.Due
		s.Advance(date)
		for _, r := range a.dues {
			a.clearRule(s, r, date)
		}
		s.Due = a.FirstClears(s)
	}
}

func (a *Applier) clearRule(s *Subject, r int, date int64) {
	rule := &a.Program.Kinds[s.Kind].Rules[r]
	a.ReadValues(s, rule)
	mark := s.RuleState(r)
	mark.Episode, mark.Level = max(mark.Episode, 1), 0
	a.record(s, rule, date, mark)
	a.Emit(s, &a.crossed)
	mark.Episode++
	s.SetRuleState(r, mark)
}

// record fills a.crossed, all but the event.
func (a *Applier) record(s *Subject, rule *boundRule, now int64, mark windows.RuleState) {
	from := WindowStart(rule.Rule, s, now)
	a.noteSince(s, rule, from)
	a.crossed = thresholds.Crossing{
		Rule: rule.Rule, Subject: s.ID, Level: thresholds.Level(mark.Level), Episode: mark.Episode,
		Values: a.Values, From: from, Time: now,
	}
}

// WindowStart is the start of the oldest bucket that the rule covers at time now.
func WindowStart(r *thresholds.Rule, s *Subject, now int64) time.Time {
	if r.Window == 0 {
		return time.Unix(0, s.First())
	}
	return time.Unix(FloorDiv(now, r.Step*Second)*r.Step-r.Window, 0)
}

// ReadValues reads the rule's counters at the subject's time into a.values.
func (a *Applier) ReadValues(s *Subject, rule *boundRule) {
	a.Values = a.Values[:0]
	for _, c := range rule.Counters {
		v, atLeast := s.Value(c)
		a.Values = append(a.Values, thresholds.Value{Value: v, AtLeast: atLeast})
	}
}

// noteSince says in a.values which counters lack something of the window. Where
// that is all time, what came before the subject's first counted event is not known.
func (a *Applier) noteSince(s *Subject, rule *boundRule, from time.Time) {
	if a.Since == nil {
		return
	}
	for i, c := range rule.Counters {
		if t := a.Since(s.Kind, c); t != 0 && t != NoTime && (rule.Window == 0 || time.Unix(0, t).After(from)) {
			a.Values[i].Since = t
		}
	}
}

// FirstClears is the date at which a rule clears next, never if none does. It
// leaves the rules that clear then in a.dues, in the packs' order.
func (a *Applier) FirstClears(s *Subject) int64 {
	first := int64(Never)
	a.dues = a.dues[:0]
	for r := range a.Program.Kinds[s.Kind].Rules {
		d := a.clearDate(s, r)
		if d < first {
			first, a.dues = d, a.dues[:0]
		}
		if d == first && d != Never {
			a.dues = append(a.dues, r)
		}
	}
	return first
}

// clearDate is the start of the first bucket after the subject's time at which,
// with nothing added, rule r is under its clear and no measure is a lower bound; never
// if it is not armed or cannot clear. Values only fall as the window slides, so the bucket
// is found by bisection: after a whole window everything has left. While the window reaches back before
// a counter began there is none: what was there before is not known.
func (a *Applier) clearDate(s *Subject, r int) int64 {
	rule := &a.Program.Kinds[s.Kind].Rules[r]
	if rule.Clear == 0 || rule.Window == 0 || s.RuleState(r).Level == 0 {
		return Never
	}
	now, ok := s.Time()
	if !ok {
		return Never
	}
	step := rule.Step * Second
	low := max(FloorDiv(now, step)+1, a.firstWhole(s, rule))
	high := min(low+rule.Window/rule.Step, Never/step) // no date lies beyond what nanoseconds reach
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

// firstWhole is the first bucket, of the rule's steps, whose window holds nothing from before
// a counter of the rule began.
func (a *Applier) firstWhole(s *Subject, rule *boundRule) int64 {
	first := int64(math.MinInt64)
	if a.Since == nil {
		return first
	}
	for _, c := range rule.Counters {
		if t := a.Since(s.Kind, c); t != 0 && t != NoTime {
			first = max(first, FloorDiv(t-1, rule.Step*Second)+1+rule.Window/rule.Step)
		}
	}
	return first
}

func (a *Applier) clearsAt(s *Subject, rule *boundRule, t int64) bool {
	a.Values = a.Values[:0]
	for _, c := range rule.Counters {
		v, atLeast := s.ValueAt(c, t)
		a.Values = append(a.Values, thresholds.Value{Value: v, AtLeast: atLeast})
	}
	return rule.Clears(a.Values)
}

// feed adds rules, which rise, to those that were fed.
func (a *Applier) feed(rules []int) {
	if len(a.Rules) == 0 {
		a.Rules = append(a.Rules, rules...)
		return
	}
	a.merged = Merge(a.merged[:0], a.Rules, rules)
	a.Rules, a.merged = a.merged, a.Rules
}

// Merge appends what is in x or in y, both of which rise.
func Merge(dst, x, y []int) []int {
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

// FloorDiv is the largest integer not above a/b, for b > 0.
func FloorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// Progresses appends the progress of every rule of s, in 1/10,000.
func (a *Applier) Progresses(s *Subject, dst []uint64) []uint64 {
	rules := a.Program.Kinds[s.Kind].Rules
	for r := range rules {
		a.ReadValues(s, &rules[r])
		dst = append(dst, rules[r].Progress(a.Values))
	}
	return dst
}
