package windows

import (
	"fmt"
)

// Subject is the state of one subject: its time, its counters and the states of its rules.
//
// The order of use for one event is: load everything it touches (NeedsHistory, Needs, Load),
// Advance, then Preceded for the conditions, then Add. A Subject belongs to one goroutine.
//
// To write it: AppendPart of what Dirty names, then AppendRecord, all in one commit, then Clean.
type Subject struct {
	layout *Layout

	times
	ruleStates
	loading
	unwritten

	writer uint64

	// generations is the largest number given to parts. Whenever chunks or a history come to be,
	// they take a new number (generations.assign), which stands in the record and in each of them.
	// So the bytes of a set that emptied are never taken for those of the set that grew after it.
	generations generations

	slideAt  int64      // no bucket leaves a window before; may be too early
	counters []*counter // by number; nil: nothing was ever added
	foreign  []foreign  // counters of other layouts
}

// times are those of a subject's events.
type times struct {
	time  int64  // the newest event's, if timed
	first int64  // the earliest event's, if touched
	delay uint64 // see Delay

	timed, touched bool
}

// Time is the newest time the subject was advanced to; false if never.
func (s *times) Time() (int64, bool) { return s.time, s.timed }

// First is the earliest time of any event of the subject (Touch), 0 if there was none.
func (s *times) First() int64 { return s.first }

// loading is how many parts are not loaded.
type loading struct {
	missing int // histories
	absent  int // chunks
}

// Whole reports whether all parts are loaded: nothing is needed.
func (l *loading) Whole() bool { return l.missing+l.absent == 0 }

func (l *loading) mustBeLoaded() {
	if l.missing > 0 {
		panic("BUG: subject used before its histories were loaded")
	}
}

// unwritten is what has changed since the last Clean.
type unwritten struct {
	bytes   int   // that the parts to be written take, and what the record has grown by, about
	pending int32 // how many parts, at most
	changed bool
}

// Changed reports whether anything was changed since the last Clean.
func (u *unwritten) Changed() bool { return u.changed }

// Pending is how many parts Dirty would name, at most. Unlike Dirty it costs nothing.
func (u *unwritten) Pending() int { return int(u.pending) }

// PendingBytes is about what these parts take when they are written, their keys included except for
// the subject's name. What the record has grown by since the last Clean is added.
func (u *unwritten) PendingBytes() int { return max(u.bytes, 0) }

// notePending notes how many more parts of c are to be written than there were.
func (u *unwritten) notePending(c *counter, were int) {
	if more := c.pending() - were; more != 0 {
		u.pending += int32(more)
		u.bytes += more * c.partBytes()
	}
}

// NewSubject is a subject with nothing counted. The layout must not change any more.
func NewSubject(l *Layout) *Subject {
	return &Subject{layout: l, slideAt: Never, counters: make([]*counter, len(l.Counters))}
}

// Writer is the id of the process that wrote the record last; 0 for none.
func (s *Subject) Writer() uint64 { return s.writer }

// Touch notes the time of a matching event for First.
func (s *Subject) Touch(t int64) {
	if s.touched && t >= s.first {
		return
	}
	s.first, s.touched, s.changed = t, true, true
}

// Advance moves the subject's time to t, if that is later, and slides all
// counters.
func (s *Subject) Advance(t int64) {
	s.mustBeLoaded()
	if s.timed && t <= s.time {
		return
	}
	s.time, s.timed, s.changed = t, true, true
	if t < s.slideAt {
		return
	}
	s.slideAt = Never
	for _, c := range s.counters {
		if c != nil {
			s.slideToTime(c)
		}
	}
}

// slideToTime slides a counter to the subject's time. A counter whose history is
// not loaded slides when it is, unless nothing of it can be left.
func (s *Subject) slideToTime(c *counter) {
	c.moveTo(s.time)
	parts := c.pending()
	switch {
	case len(c.buckets) == 0:
	case c.buckets.newest() < c.lowest():
		s.dropAll(c)
	case c.history.missing:
		return
	default:
		c.slide()
	}
	s.notePending(c, parts)
	s.slideAt = min(s.slideAt, c.due())
}

// dropAll drops all a counter holds.
func (s *Subject) dropAll(c *counter) {
	if c.history.missing {
		s.missing--
	}
	s.absent -= c.absent()
	c.clear()
}

// Late reports whether an event of time t is too old for counter i.
func (s *Subject) Late(i int, t int64) bool {
	return s.timed && s.layout.Counters[i].late(t, s.time)
}

// Add counts an event of time t, not late, in counter i. A Sum counts num; Weighted counts key,
// with weight num; Distinct counts key; First counts t. The parts that Needs named must be loaded.
func (s *Subject) Add(i int, t int64, key, num uint64) {
	s.mustBeLoaded()
	if !s.timed || t > s.time || s.Late(i, t) {
		panic(fmt.Sprintf("BUG: counter %d: event of %d added at %d", i, t, s.time))
	}
	c := s.counter(i)
	c.moveTo(s.time)
	oldest, parts, pieces := c.buckets.oldest(), c.pending(), c.pieces()
	if !c.add(c.bucketOf(t), t, key, num) {
		return
	}
	s.changed = true
	s.notePending(c, parts)
	s.bytes += pieceBytes * max(c.pieces()-pieces, 0)
	if c.buckets.oldest() != oldest {
		s.slideAt = min(s.slideAt, c.due())
	}
}

// add counts an event of bucket b as Add does, and reports whether anything changed.
func (c *counter) add(b, t int64, key, num uint64) bool {
	switch c.spec.Op {
	case Sum:
		return c.addSum(b, num)
	case First:
		return c.addFirst(b, t)
	}
	return c.addKey(b, key, num)
}

// counter is counter i, made if there is none.
func (s *Subject) counter(i int) *counter {
	c := s.counters[i]
	if c == nil {
		c = newCounter(&s.layout.Counters[i], s.layout.pieceSizes())
		s.counters[i] = c
	}
	return c
}

// Value is what counter i says at the subject's time; atLeast marks a lower bound.
func (s *Subject) Value(i int) (v uint64, atLeast bool) {
	s.mustBeLoaded()
	c := s.counters[i]
	if c == nil {
		return 0, false
	}
	c.moveTo(s.time)
	return c.show(c.total, c.lowest())
}

// ValueAt is what counter i would say at time t, not before the subject's, with nothing added.
func (s *Subject) ValueAt(i int, t int64) (v uint64, atLeast bool) {
	s.mustBeLoaded()
	c := s.counters[i]
	if c == nil {
		return 0, false
	}
	lowest := c.spec.lowest(c.spec.Bucket(t))
	return c.show(c.left(c.buckets.expired(lowest)), lowest)
}

// Preceded reports whether counter i (First) has an event no later than t within
// its window at the subject's time.
func (s *Subject) Preceded(i int, t int64) bool {
	s.mustBeLoaded()
	c := s.counters[i]
	return c != nil && c.preceded(t)
}

// Empty reports whether at time t every window has run empty, of counters of
// other layouts too as far as the record can tell.
func (s *Subject) Empty(t int64) bool {
	for _, c := range s.counters {
		if c != nil && c.newest() != noBucket && c.newest() >= c.spec.lowest(c.spec.Bucket(t)) {
			return false
		}
	}
	for i := range s.foreign {
		if !s.foreign[i].head.runOut(t) {
			return false
		}
	}
	return true
}

// Clean notes that everything was written.
func (s *Subject) Clean() {
	s.changed, s.pending, s.bytes = false, 0, 0
	for _, c := range s.counters {
		if c == nil {
			continue
		}
		c.history.dirty = false
		if c.members != nil {
			c.members.clean()
		}
	}
}

// The sizes of the fixed pieces in memory, in bytes, with what the allocator adds.
const (
	subjectBytes = 168
	counterBytes = 144
	membersBytes = 64
	chunkBytes   = 112
)

// Size is the memory held, in bytes, approximately.
func (s *Subject) Size() int {
	n := subjectBytes + 8*cap(s.counters) + 16*cap(s.states) + 24*cap(s.others)
	for _, c := range s.counters {
		if c == nil {
			continue
		}
		n += counterBytes + 24*cap(c.buckets)
		if m := c.members; m != nil {
			n += membersBytes + m.bytes + 8*cap(m.chunks) + 4*cap(m.dirty)
		}
	}
	for i := range s.foreign {
		n += 144 + cap(s.foreign[i].body)
	}
	return n
}
