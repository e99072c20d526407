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

// arm watches a rule with an announced level, unless it never clears.
func (o *Oracle) arm(s *subject, r *rule) {
	if r.clear == nil || r.limits[0].counter.step == 0 {
		return
	}
	c := r.limits[0].counter
	date := c.start(c.bucket(s.now) + 1)
	o.armed[watch{s, r}] = date
	if date.Before(o.nextClear) {
		o.nextClear = date
	}
}

// clear ends the episodes that are due before an event is added: those of its subjects by their T and by the stream's time, the
// others by the stream's time.
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
		s.states[r] = state{episode: st.episode + 1}
		delete(o.armed, c.watch)
	}
	return crossings
}

// due finds the clears dated at or before the time of their subject or of the stream.
func (o *Oracle) due(visits []visit, ev *event) []clearing {
	stream := o.streamTime()
	horizon := later(stream, ev.time)
	if horizon.Before(o.nextClear) && !o.options.Plain {
		return nil
	}
	var due []clearing
	o.nextClear = endOfTime.AddDate(1000, 0, 0)
	for w, earliest := range o.armed {
		if !earliest.After(horizon) || o.options.Plain {
			earliest = o.clearDate(w)
			o.armed[w] = earliest
		}
		if !earliest.After(limitOf(w.subject, visits, stream, ev.time)) {
			due = append(due, clearing{w, earliest})
		} else if earliest.Before(o.nextClear) {
			o.nextClear = earliest
		}
	}
	return due
}

// limitOf returns up to when the clears of a subject are due.
func limitOf(s *subject, visits []visit, stream, t time.Time) time.Time {
	for _, v := range visits {
		if v.subject == s {
			return later(t, stream) // T itself has been reached before
		}
	}
	return stream
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

// clearDate returns the start of the first bucket after that of T at which the episode ends, nothing being added. Values only
// fall, so there is one bucket from which on it would have ended; the plain way tries each.
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
