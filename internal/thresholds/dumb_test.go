package thresholds

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// dumbEvent is an event as JSON decodes it, and who it was applied after.
type dumbEvent struct {
	at     int
	time   int64 // Unix seconds
	fields map[string]any
}

func (e *dumbEvent) text(field string) string {
	s, _ := e.fields[field].(string)
	return s
}

// number is an integer field; count is 1 where it is absent.
func (e *dumbEvent) number(field string) (uint64, bool) {
	n, ok := e.fields[field].(json.Number)
	if !ok {
		return 1, field == "count"
	}
	i, err := n.Int64()
	return uint64(i), err == nil
}

// dumbSubject is everything that ever happened to a subject.
type dumbSubject struct {
	events   []*dumbEvent
	now      int64
	level    map[*Rule]Level
	counters map[*Measure]*dumbCounter
}

// dumbCounter is what a measure took, and the sum over the buckets from oldest on.
type dumbCounter struct {
	taken  []taken
	oldest int64
	sum    uint64
	keys   map[string]uint64
}

type taken struct {
	bucket int64
	key    string
	number uint64
}

// dumbCrossings applies the events of a test one at a time and counts, at each
// moment, over all of them. Late events and caps are beyond it, and a
// key's weight is the largest in the window.
func dumbCrossings(t *testing.T, p *Pack, test *Test) string {
	var out strings.Builder
	subjects := map[string]*dumbSubject{}
	for at, line := range test.Events {
		e := decodeDumb(t, at, line)
		var clears, levels strings.Builder
		for kind := range NumKinds {
			id := e.text(kind.String())
			if id == "" || !slices.ContainsFunc(p.Rules, func(r *Rule) bool { return r.By == kind && dumbMatches(r, e) }) {
				continue
			}
			s := subjects[kind.String()+id]
			if s == nil {
				s = &dumbSubject{level: map[*Rule]Level{}, now: e.time, counters: map[*Measure]*dumbCounter{}}
				subjects[kind.String()+id] = s
			}
			dumbApply(&clears, &levels, p, kind, id, s, e)
		}
		out.WriteString(clears.String() + levels.String())
	}
	return out.String()
}

func decodeDumb(t *testing.T, at int, line []byte) *dumbEvent {
	e := &dumbEvent{at: at}
	dec := json.NewDecoder(strings.NewReader(string(line)))
	dec.UseNumber()
	if err := dec.Decode(&e.fields); err != nil {
		t.Fatalf("event %d, %s: %v", at, line, err)
	}
	when, err := time.Parse(time.RFC3339Nano, e.text("time"))
	if err != nil || e.text("id") == "" || e.text("type") == "" {
		t.Fatalf("event %d, %s: no time, id or type: %v", at, line, err)
	}
	e.time = when.Unix()
	return e
}

func dumbApply(clears, levels *strings.Builder, p *Pack, kind Kind, id string, s *dumbSubject, e *dumbEvent) {
	for _, r := range p.Rules {
		if r.By == kind && s.level[r] > 0 && dumbCleared(r, s, e.time) {
			fmt.Fprintf(clears, "%s %s 0 at %d\n", r.ID, id, e.at)
			s.level[r] = 0
		}
	}
	s.now = max(s.now, e.time)
	for _, r := range p.Rules {
		if r.By != kind {
			continue
		}
		for _, l := range r.Limits {
			dumbTake(l.Measure, r, s, e)
		}
		for _, l := range r.Next(s.level[r], dumbValues(r, s, s.now), nil) {
			fmt.Fprintf(levels, "%s %s %v at %d\n", r.ID, id, l, e.at)
			s.level[r] = l
		}
	}
	s.events = append(s.events, e)
}

func dumbTake(m *Measure, r *Rule, s *dumbSubject, e *dumbEvent) {
	c := s.counters[m]
	if c == nil {
		c = &dumbCounter{keys: map[string]uint64{}}
		s.counters[m] = c
	}
	if key, number, ok := dumbMatch(m, e); ok && dumbAfter(m, r, s.events, e) {
		c.taken = append(c.taken, taken{bucket: e.time / r.Step, key: key, number: number})
		c.add(m, c.taken[len(c.taken)-1])
	}
}

func (c *dumbCounter) add(m *Measure, t taken) {
	switch {
	case t.bucket < c.oldest:
	case m.Op == Sum:
		c.sum += t.number
	case t.number > c.keys[t.key]:
		c.sum += t.number - c.keys[t.key]
		c.keys[t.key] = t.number
	}
}

// slide counts again if the window has moved.
func (c *dumbCounter) slide(m *Measure, oldest int64) {
	if oldest == c.oldest {
		return
	}
	c.oldest, c.sum = oldest, 0
	clear(c.keys)
	for _, t := range c.taken {
		c.add(m, t)
	}
}

// dumbCleared reports whether at the start of any bucket after the subject's time, up to t, the
// rule clears.
func dumbCleared(r *Rule, s *dumbSubject, t int64) bool {
	for at := (s.now/r.Step + 1) * r.Step; at <= t; at += r.Step {
		if r.Clear > 0 && r.Clears(dumbValues(r, s, at)) {
			return true
		}
	}
	return false
}

// dumbValues is what the rule's measures say at time now.
func dumbValues(r *Rule, s *dumbSubject, now int64) []Value {
	var values []Value
	for _, l := range r.Limits {
		c := s.counters[l.Measure]
		c.slide(l.Measure, now/r.Step-r.Window/r.Step)
		values = append(values, Value{Value: c.sum})
	}
	return values
}

// dumbAfter reports whether an event of m's other measure was applied before e and is no later. It
// must also lie in the window that the subject had when e was applied.
func dumbAfter(m *Measure, r *Rule, before []*dumbEvent, e *dumbEvent) bool {
	if m.After == nil {
		return true
	}
	now := e.time
	for _, b := range before {
		now = max(now, b.time)
	}
	return slices.ContainsFunc(before, func(b *dumbEvent) bool {
		_, _, ok := dumbMatch(m.After, b)
		return ok && b.time <= e.time && b.time/r.Step >= now/r.Step-r.Window/r.Step
	})
}

// dumbMatches reports whether any counter of the rule takes the event.
func dumbMatches(r *Rule, e *dumbEvent) bool {
	for _, l := range r.Limits {
		for m := l.Measure; m != nil; m = m.After {
			if _, _, ok := dumbMatch(m, e); ok {
				return true
			}
		}
	}
	return false
}

// dumbMatch is the key and the number that m takes from e.
func dumbMatch(m *Measure, e *dumbEvent) (key string, number uint64, ok bool) {
	i := slices.IndexFunc(m.Types, func(k TypeKey) bool { return k.Type == e.text("type") })
	if i < 0 || slices.ContainsFunc(m.Where, func(f Filter) bool {
		return slices.Contains(f.Values, e.text(f.Field)) == f.Not
	}) {
		return "", 0, false
	}
	number, ok = 1, true
	if m.Number != "" {
		number, ok = e.number(m.Number)
	}
	if m.Op == Distinct {
		key = e.text(m.Types[i].Key)
		ok = ok && key != ""
	}
	return key, number, ok
}
