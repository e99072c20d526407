package oracle

import (
	"fmt"
	"math/big"
	"sort"
	"time"
)

// measure says which events count, and what they count.
type measure struct {
	reads    map[string]string // type -> field: the number summed, or the key
	distinct bool
	weight   string // number field a key weighs; "" is 1
	where    []condition
	after    *measure // nil: none
}

// condition is one line of where.
type condition struct {
	field  string
	values map[string]bool
	not    bool
}

func (c condition) holds(ev *event) bool {
	value, there := ev.texts[c.field]
	return (there && c.values[value]) != c.not
}

// matches reports whether ev counts in m for subjects of a kind; "after" is no part of that.
func (m *measure) matches(by string, ev *event) bool {
	if ev.texts[by] == "" || !m.hasFields(ev) {
		return false
	}
	for _, c := range m.where {
		if !c.holds(ev) {
			return false
		}
	}
	return true
}

func (m *measure) hasFields(ev *event) bool {
	field, ok := m.reads[ev.kind()]
	if !ok {
		return false
	}
	if !m.distinct {
		_, ok = ev.numbers[field]
		return ok
	}
	if m.weight != "" {
		if _, ok := ev.numbers[m.weight]; !ok {
			return false
		}
	}
	return ev.texts[field] != ""
}

// amount returns what a matching event adds to a sum.
func (m *measure) amount(ev *event) int64 {
	return ev.numbers[m.reads[ev.kind()]]
}

// key returns the key of a matching event and what it weighs.
func (m *measure) key(ev *event) (string, int64) {
	if m.weight == "" {
		return ev.texts[m.reads[ev.kind()]], 1
	}
	return ev.texts[m.reads[ev.kind()]], ev.numbers[m.weight]
}

// definition is the same text for the same measure, whatever its name and the order in which its parts are written.
func (m *measure) definition() string {
	where := make([]string, 0, len(m.where))
	for _, c := range m.where {
		where = append(where, fmt.Sprintf("%q %v %v", c.field, c.not, c.values)) // fmt sorts maps by key
	}
	sort.Strings(where)
	text := fmt.Sprintf("%v %v %q %v", m.reads, m.distinct, m.weight, where)
	if m.after != nil {
		text += " after " + m.after.definition()
	}
	return text
}

// counter is a measure for a kind of subject over a window.
type counter struct {
	by       string
	measure  *measure
	step     int64 // seconds; 0: one bucket without end
	n        int64 // buckets before that of T
	presence bool  // true: is not counted, only asked by "after"
	after    *counter
	keys     int64 // distinct: most keys kept
}

// shared returns the counter of a definition, made once for all rules that use it.
func shared(known map[string]*counter, by string, m *measure, s span) *counter {
	return sharedAs(known, by, m, s, false)
}

func sharedAs(known map[string]*counter, by string, m *measure, s span, presence bool) *counter {
	c := &counter{by: by, measure: m, step: s.step, presence: presence}
	if s.step > 0 {
		c.n = s.window / s.step
	}
	id := c.identity()
	if known[id] == nil {
		if m.after != nil {
			c.after = sharedAs(known, by, m.after, s, true)
		}
		known[id] = c
	}
	return known[id]
}

// identity is the counter's definition.
func (c *counter) identity() string {
	return fmt.Sprint(c.by, " ", c.n, " ", c.step, " ", c.presence, " ", c.measure.definition())
}

// bucket returns the number of the bucket that holds t.
func (c *counter) bucket(t time.Time) int64 {
	if c.step == 0 {
		return 0
	}
	b := t.Unix() / c.step
	if t.Unix()%c.step < 0 {
		b--
	}
	return b
}

// oldest returns the oldest bucket the count at T covers.
func (c *counter) oldest(now time.Time) int64 { return c.bucket(now) - c.n }

// start returns the first moment of a bucket.
func (c *counter) start(bucket int64) time.Time { return time.Unix(bucket*c.step, 0).UTC() }

func (c *counter) late(t, now time.Time) bool { return c.bucket(t) < c.oldest(now) }

// setCaps gives each distinct counter its most keys: 10 x the largest limit x level of the rules that use it, rounded up.
func setCaps(rules []*rule, most int64) {
	for _, r := range rules {
		for _, l := range r.limits {
			top := new(big.Rat).SetInt64(10 * l.limit)
			top.Mul(top, r.levels[len(r.levels)-1].rat)
			l.counter.keys = min(most, max(l.counter.keys, ceil(top)))
		}
	}
}

func ceil(r *big.Rat) int64 {
	up := new(big.Int).Add(r.Num(), r.Denom())
	up.Sub(up, big.NewInt(1)).Quo(up, r.Denom())
	if !up.IsInt64() {
		return 1 << 62
	}
	return up.Int64()
}
