package engine

import (
	"github.com/dchest/siphash"

	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// Addition is one counter that an operation feeds.
type Addition struct {
	Counter int    // number, in the layout of the subject's kind
	Key     uint64 // fingerprint of the key: Distinct, Weighted
	num     uint64 // Sum: what is added; Weighted: the weight
}

// Operation is one event for one subject. Its slices belong to who made it: the intake's are
// valid until its next event.
type Operation struct {
	Kind  thresholds.Kind // of the subject
	ID    []byte          // of the subject
	Event []byte          // id of the event
	Time  int64           // of the event, ns
	Adds  []Addition      // never empty
}

// matcher turns events into operations. It belongs to one goroutine.
type matcher struct {
	program *Program
	secret  Secret
	adds    [thresholds.NumKinds][]Addition
	prints  [event.NumStr]uint64
	printed uint16 // bit n: prints[n] is of this event
	ops     []Operation
}

// match returns the operations of e, in the order of the kinds; none if no
// counter takes it.
func (m *matcher) match(e *event.Event) []Operation {
	matches := m.program.types[string(e.Type)]
	if len(matches) == 0 {
		return nil
	}
	for k := range m.adds {
		m.adds[k] = m.adds[k][:0]
	}
	m.printed = 0
	for i := range matches {
		m.try(&matches[i], e)
	}
	m.ops = m.ops[:0]
	for k := range m.adds {
		if len(m.adds[k]) > 0 {
			m.ops = append(m.ops, Operation{
				Kind: thresholds.Kind(k), ID: e.Str[k], Event: e.ID, Time: e.Time, Adds: m.adds[k],
			})
		}
	}
	return m.ops
}

// try adds what x counts of e, if it matches: the subject's field, the fields
// the measure reads and its conditions.
func (m *matcher) try(x *match, e *event.Event) {
	if e.Str[x.kind] == nil {
		return
	}
	a := Addition{Counter: x.counter}
	if x.num >= 0 {
		if e.Has&(1<<x.num) == 0 {
			return
		}
		a.num = uint64(e.Num[x.num])
	}
	keyed := x.op == windows.Distinct || x.op == windows.Weighted
	if keyed && e.Str[x.key] == nil {
		return
	}
	for i := range x.where {
		if !x.where[i].holds(e) {
			return
		}
	}
	if keyed {
		a.Key = m.fingerprint(x.key, e)
	}
	m.adds[x.kind] = append(m.adds[x.kind], a)
}

func (f *filter) holds(e *event.Event) bool {
	v := e.Str[f.field]
	if v == nil {
		return f.not
	}
	for _, w := range f.values {
		if string(v) == w {
			return !f.not
		}
	}
	return f.not
}

// fingerprint is SipHash-2-4 of a string field, made once an event.
func (m *matcher) fingerprint(f event.Str, e *event.Event) uint64 {
	if m.printed&(1<<f) == 0 {
		m.prints[f] = siphash.Hash(m.secret.K0, m.secret.K1, e.Str[f])
		m.printed |= 1 << f
	}
	return m.prints[f]
}
