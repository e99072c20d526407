package oracle

import (
	"cmp"
	"slices"
	"sort"
	"time"
)

// watch is a rule with an announced level, that may clear.
type watch struct {
	subject *subject
	rule    *rule
}

// clearing is a watch that ends, and when.
type clearing struct {
	watch
	date time.Time
}

// delay is where a subject's events and the stream were when an event not earlier than T was last
// applied. What lies between them is the subject's delay.
type delay struct{ event, stream time.Time }

// after returns the moment that is later than t by the delay.
func (d delay) after(t time.Time) time.Time {
	if !d.stream.After(d.event) {
		return t
	}
	return time.Unix(t.Unix()+d.stream.Unix()-d.event.Unix(), int64(t.Nanosecond()+d.stream.Nanosecond()-d.event.Nanosecond()))
}

// arm watches a rule with an announced level, unless it never clears.
func (o *Oracle) arm(s *subject, r *rule) {
	if r.clear == nil || r.limits[0].counter.step == 0 {
		return
	}
	c := r.limits[0].counter
	o.armed[watch{s, r}] = c.start(c.bucket(s.now) + 1)
	o.rewatch(s)
}

// rewatch makes the clears of a subject be looked for when the stream has reached the first of
// them, and the subject's delay.
func (o *Oracle) rewatch(s *subject) {
	for _, r := range o.clearing() {
		if date, ok := o.armed[watch{s, r}]; ok {
			o.lookBy(s.delay.after(date))
		}
	}
}

// lookBy makes all clears be looked at when the stream has reached t.
func (o *Oracle) lookBy(t time.Time) {
	if t.Before(o.nextClear) {
		o.nextClear = t
	}
}

// clear ends the episodes that are due before an event is added. Those of its subjects are due by
// their T and by the stream's time. The others are due by the stream's time, which has to be past a
// clear's date by the subject's delay.
func (o *Oracle) clear(visits []visit, ev *event) []Crossing {
	due := o.due(visits, ev)
	slices.SortFunc(due, func(a, b clearing) int {
		return cmp.Or(a.date.Compare(b.date),
			cmp.Compare(slices.Index(kinds, a.subject.by), slices.Index(kinds, b.subject.by)),
			cmp.Compare(a.subject.id, b.subject.id), cmp.Compare(a.rule.order, b.rule.order))
	})
	var crossings []Crossing
	for _, c := range due {
		s, r := c.subject, c.rule
		st := s.state(r)
		s.now = later(s.now, c.date)
		crossings = append(crossings, newClear(s, s.read(r, c.date), st.episode))
		s.states[r.mark()] = state{episode: st.episode + 1}
		delete(o.armed, c.watch)
	}
	return crossings
}

// due finds the clears that the stream has reached, and those that an event's subjects have.
func (o *Oracle) due(visits []visit, ev *event) []clearing {
	stream := o.streamTime()
	var due []clearing
	look := func(w watch) {
		if date := o.clearDate(w); isDue(w.subject, date, visits, stream, ev.time) {
			due = append(due, clearing{w, date})
		} else {
			o.armed[w] = date
		}
	}
	if stream.Before(o.nextClear) && !o.options.Plain {
		for _, v := range visits {
			for _, r := range o.clearing() {
				w := watch{v.subject, r}
				if date, ok := o.armed[w]; ok && !date.After(ev.time) {
					look(w)
				}
			}
		}
		return due
	}
	o.nextClear = endOfTime.AddDate(1000, 0, 0)
	for w, earliest := range o.armed {
		if o.options.Plain || isDue(w.subject, earliest, visits, stream, ev.time) {
			look(w)
		}
	}
	for w, date := range o.armed {
		o.lookBy(w.subject.delay.after(date))
	}
	return due
}

// isDue reports whether a clear of a date is due when an event is applied.
func isDue(s *subject, date time.Time, visits []visit, stream, t time.Time) bool {
	for _, v := range visits {
		if v.subject == s && !date.After(t) { // T itself has been reached before
			return true
		}
	}
	return !s.delay.after(date).After(stream)
}

// streamTime is the newest time matched; over several partitions the smallest such.
func (o *Oracle) streamTime() time.Time {
	var stream time.Time
	for _, p := range o.partitions {
		if !p.newest.IsZero() && (stream.IsZero() || p.newest.Before(stream)) {
			stream = p.newest
		}
	}
	return stream
}

// clearDate returns the start of the first bucket after that of T at which the episode ends if
// nothing is added. Values only fall, so from one bucket on it would have ended; the plain way
// tries each.
func (o *Oracle) clearDate(w watch) time.Time {
	c := w.rule.limits[0].counter
	here := c.bucket(w.subject.now)
	ends := func(i int) bool { return w.subject.read(w.rule, c.start(here+1+int64(i))).cleared() }
	i := 0
	if o.options.Plain {
		for !ends(i) {
			i++
		}
	} else {
		i = sort.Search(int(c.n), ends)
	}
	return c.start(here + 1 + int64(i))
}
