package stream

import (
	"math"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// never is a time at which no clear is due.
const never = windows.Never

// subject is a subject in memory, with what deciding about it needs to know.
type subject struct {
	*windows.Subject
	kind thresholds.Kind
	id   string
	// due is a time before which no clear of this subject is dated; never if
	// none of its rules can clear. Adding only postpones a clear, so it stays
	// true until it is reached: by the subject's own time, or by the stream's less the subject's delay.
	due int64
	// fresh: every rule is looked at with its next event, not only those that
	// were fed, since limits may have changed since it was written.
	fresh bool
	// queued is its place in a replay's dueQueue, from 1; 0: it is not there.
	queued int
}

// applier applies operations to subjects, one at a time. It belongs to one
// goroutine.
type applier struct {
	program *Program
	// since is the time from which on a counter has everything, by kind and
	// counter; 0: from the start. Nil where nothing is kept of it.
	since func(kind thresholds.Kind, counter int) int64
	// emit takes what was announced. The crossing and its slices are valid
	// during the call only.
	emit func(s *subject, c *thresholds.Crossing)

	// place is where the event being applied lies, for the evidence; the topic
	// is empty where that is not told.
	location location

	values  []thresholds.Value
	levels  []thresholds.Level
	rules   []int // fed by the operation being applied; rising
	merged  []int
	dues    []int
	refused []bool
	crossed thresholds.Crossing
}

// moment is how far the stream is when an event is applied, the event's own time included, ns.
type moment struct {
	// time is the stream's: what it has reached is due. noTime: of a partition it is not known that anything matched.
	time int64
	// known is the same without such partitions: what the subject's delay is measured from. One that is taken for too small
	// would have the subject cleared under its own events once the others are known.
	known int64
}

// location is where an event lies in Kafka.
type location struct {
	topic     string
	partition int
	offset    int64
}

// outcome says what became of an operation.
type outcome struct {
	late    bool // no counter took it, for each it was too old
	refused bool // an `after` condition kept it out of a counter that it was not late for
	capped  bool // a counter that took it is a lower bound
}

// open makes a subject of its counters. When its first clear is due is worked
// out with its next event: that takes its parts, which may not be loaded yet.
func (a *applier) open(ws *windows.Subject, kind thresholds.Kind, id string) *subject {
	s := &subject{Subject: ws, kind: kind, id: id, due: never, fresh: true}
	if ws.Announced() {
		s.due = noTime
	}
	return s
}

// apply counts one operation. Clears that are due by the subject's time or by
// the stream's time come first. The parts of s that the operation's adds need
// must be loaded.
func (a *applier) apply(s *subject, o *operation, m moment) outcome {
	now := o.time
	if t, ok := s.Time(); ok && t > now {
		now = t
	}
	a.clear(s, max(now, s.Reached(m.time)))
	s.Follow(o.time, m.known)
	s.Touch(o.time)
	s.Advance(now)
	return a.count(s, o)
}

// count adds o where it is not late and not refused, and announces the levels
// that this reaches. The conditions are looked at before anything is added, since an
// event does not come after itself.
func (a *applier) count(s *subject, o *operation) outcome {
	t := &a.program.kinds[s.kind]
	a.refused = a.refused[:0]
	for _, x := range o.adds {
		after := t.after[x.counter]
		a.refused = append(a.refused, after >= 0 && !s.Preceded(after, o.time))
	}
	out := outcome{late: true}
	a.rules = a.rules[:0]
	for i, x := range o.adds {
		if s.Late(x.counter, o.time) {
			continue
		}
		out.late = false
		if a.refused[i] {
			out.refused = true
			continue
		}
		s.Add(x.counter, o.time, x.key, x.num)
		if _, atLeast := s.Value(x.counter); atLeast {
			out.capped = true
		}
		a.feed(t.feeds[x.counter])
	}
	a.announce(s, o)
	return out
}

// announce announces the levels newly reached by the rules that were fed, or by
// every rule of a fresh subject.
func (a *applier) announce(s *subject, o *operation) {
	t := &a.program.kinds[s.kind]
	if s.fresh {
		s.fresh = false
		for r := range t.rules {
			a.cross(s, r, o)
		}
		return
	}
	for _, r := range a.rules {
		a.cross(s, r, o)
	}
}

func (a *applier) cross(s *subject, r int, o *operation) {
	rule := &a.program.kinds[s.kind].rules[r]
	mark := s.RuleState(r)
	if mark.Level >= uint64(rule.Levels[len(rule.Levels)-1]) {
		return
	}
	a.readValues(s, rule)
	a.levels = rule.Next(thresholds.Level(mark.Level), a.values, a.levels[:0])
	if len(a.levels) == 0 {
		return
	}
	mark.Episode = max(mark.Episode, 1)
	for _, l := range a.levels {
		mark.Level = uint64(l)
		now, _ := s.Time()
		a.record(s, rule, now, mark)
		a.crossed.Event = string(o.event)
		a.crossed.Topic, a.crossed.Partition, a.crossed.Offset = a.location.topic, a.location.partition, a.location.offset
		a.emit(s, &a.crossed)
	}
	s.SetRuleState(r, mark)
	s.due = min(s.due, a.clearDate(s, r))
}

// awaited is a time before which the stream's makes no clear of s due; never if it never does.
func (s *subject) awaited() int64 {
	if s.due == never {
		return never
	}
	return s.Awaits(s.due)
}

// clear ends the episodes whose clear is dated by time now, in order of their
// dates, and moves the subject's time there. All that are due at one date are
// found before time moves to it, since a clear dates from a bucket after it.
func (a *applier) clear(s *subject, now int64) {
	for s.due <= now {
		s.due = a.firstClears(s)
		if s.due > now {
			return
		}
		date := s.due
		s.Advance(date)
		for _, r := range a.dues {
			a.clearRule(s, r, date)
		}
		s.due = a.firstClears(s)
	}
}

func (a *applier) clearRule(s *subject, r int, date int64) {
	rule := &a.program.kinds[s.kind].rules[r]
	a.readValues(s, rule)
	mark := s.RuleState(r)
	mark.Episode, mark.Level = max(mark.Episode, 1), 0
	a.record(s, rule, date, mark)
	a.emit(s, &a.crossed)
	mark.Episode++
	s.SetRuleState(r, mark)
}

// record fills a.crossed, all but the event.
func (a *applier) record(s *subject, rule *boundRule, now int64, mark windows.RuleState) {
	from := windowStart(rule.Rule, s, now)
	a.noteSince(s, rule, from)
	a.crossed = thresholds.Crossing{
		Rule: rule.Rule, Subject: s.id, Level: thresholds.Level(mark.Level), Episode: mark.Episode,
		Values: a.values, From: from, Time: now,
	}
}

// windowStart is the start of the oldest bucket that the rule covers at time now.
func windowStart(r *thresholds.Rule, s *subject, now int64) time.Time {
	if r.Window == 0 {
		return time.Unix(0, s.First())
	}
	return time.Unix(floorDiv(now, r.Step*second)*r.Step-r.Window, 0)
}

// readValues reads the rule's counters at the subject's time into a.values.
func (a *applier) readValues(s *subject, rule *boundRule) {
	a.values = a.values[:0]
	for _, c := range rule.counters {
		v, atLeast := s.Value(c)
		a.values = append(a.values, thresholds.Value{Value: v, AtLeast: atLeast})
	}
}

// noteSince says in a.values which counters lack something of the window. Where
// that is all time, what came before the subject's first counted event is not known.
func (a *applier) noteSince(s *subject, rule *boundRule, from time.Time) {
	if a.since == nil {
		return
	}
	for i, c := range rule.counters {
		if t := a.since(s.kind, c); t != 0 && t != noTime && (rule.Window == 0 || time.Unix(0, t).After(from)) {
			a.values[i].Since = t
		}
	}
}

// firstClears is the date at which a rule clears next, never if none does. It
// leaves the rules that clear then in a.dues, in the packs' order.
func (a *applier) firstClears(s *subject) int64 {
	first := int64(never)
	a.dues = a.dues[:0]
	for r := range a.program.kinds[s.kind].rules {
		d := a.clearDate(s, r)
		if d < first {
			first, a.dues = d, a.dues[:0]
		}
		if d == first && d != never {
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
func (a *applier) clearDate(s *subject, r int) int64 {
	rule := &a.program.kinds[s.kind].rules[r]
	if rule.Clear == 0 || rule.Window == 0 || s.RuleState(r).Level == 0 {
		return never
	}
	now, ok := s.Time()
	if !ok {
		return never
	}
	step := rule.Step * second
	low := max(floorDiv(now, step)+1, a.firstWhole(s, rule))
	high := min(low+rule.Window/rule.Step, never/step) // no date lies beyond what nanoseconds reach
	for low < high {
		middle := low + (high-low)/2 // a half of the sum would round up before 1970
		if a.clearsAt(s, rule, middle*step) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	if low > never/step || !a.clearsAt(s, rule, low*step) {
		return never
	}
	return low * step
}

// firstWhole is the first bucket, of the rule's steps, whose window holds nothing from before
// a counter of the rule began.
func (a *applier) firstWhole(s *subject, rule *boundRule) int64 {
	first := int64(math.MinInt64)
	if a.since == nil {
		return first
	}
	for _, c := range rule.counters {
		if t := a.since(s.kind, c); t != 0 && t != noTime {
			first = max(first, floorDiv(t-1, rule.Step*second)+1+rule.Window/rule.Step)
		}
	}
	return first
}

func (a *applier) clearsAt(s *subject, rule *boundRule, t int64) bool {
	a.values = a.values[:0]
	for _, c := range rule.counters {
		v, atLeast := s.ValueAt(c, t)
		a.values = append(a.values, thresholds.Value{Value: v, AtLeast: atLeast})
	}
	return rule.Clears(a.values)
}

// feed adds rules, which rise, to those that were fed.
func (a *applier) feed(rules []int) {
	if len(a.rules) == 0 {
		a.rules = append(a.rules, rules...)
		return
	}
	a.merged = merge(a.merged[:0], a.rules, rules)
	a.rules, a.merged = a.merged, a.rules
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

// floorDiv is the largest integer not above a/b, for b > 0.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// progresses appends the progress of every rule of s, in 1/10,000.
func (a *applier) progresses(s *subject, dst []uint64) []uint64 {
	rules := a.program.kinds[s.kind].rules
	for r := range rules {
		a.readValues(s, &rules[r])
		dst = append(dst, rules[r].Progress(a.values))
	}
	return dst
}
