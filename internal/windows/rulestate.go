package windows

import (
	"encoding/binary"
	"math"
)

// otherState is the state of a rule of another layout, carried along.
type otherState struct {
	rule uint64
	RuleState
}

// RuleState is what was announced of rule r (its number in the layout).
func (s *Subject) RuleState(r int) RuleState {
	if s.states == nil {
		return RuleState{}
	}
	return s.states[r]
}

// SetRuleState replaces it.
func (s *Subject) SetRuleState(r int, m RuleState) {
	if s.RuleState(r) == m {
		return
	}
	if s.states == nil {
		s.states = make([]RuleState, len(s.layout.Rules))
	}
	s.states[r] = m
	s.changed = true
}

// Announced reports whether any rule, of this layout or another, ever announced a level.
func (s *Subject) Announced() bool {
	for _, m := range s.states {
		if m.announced() {
			return true
		}
	}
	for _, m := range s.others {
		if m.announced() {
			return true
		}
	}
	return false
}

func (m RuleState) announced() bool {
	return m.Level > 0 || m.Episode > 1
}

// appendStates appends the states: the layout's, then the others.
func (s *Subject) appendStates(dst []byte) []byte {
	n := len(s.others)
	for _, m := range s.states {
		if m != (RuleState{}) {
			n++
		}
	}
	dst = binary.AppendUvarint(dst, uint64(n))
	for r, m := range s.states {
		if m != (RuleState{}) {
			dst = m.append(dst, s.layout.Rules[r])
		}
	}
	for _, m := range s.others {
		dst = m.append(dst, m.rule)
	}
	return dst
}

func (m RuleState) append(dst []byte, rule uint64) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, rule)
	dst = binary.AppendUvarint(dst, m.Level)
	return binary.AppendUvarint(dst, m.Episode)
}

func (s *Subject) decodeStates(d *decoder) {
	n := d.count(10)
	for r := -1; n > 0 && d.err == nil; n-- {
		id := d.uint64()
		m := RuleState{Level: d.uvarint(math.MaxUint64), Episode: d.uvarint(math.MaxUint64)}
		if r = s.layout.rule(id, r); r < len(s.layout.Rules) {
			s.decodeState(d, r, m)
		} else {
			s.decodeOtherState(d, otherState{id, m})
		}
	}
}

func (s *Subject) decodeState(d *decoder, r int, m RuleState) {
	if m == (RuleState{}) || s.RuleState(r) != (RuleState{}) {
		d.fail("mark of rule %016x", s.layout.Rules[r])
		return
	}
	s.SetRuleState(r, m)
	s.changed = false
}

func (s *Subject) decodeOtherState(d *decoder, m otherState) {
	for _, o := range s.others {
		if o.rule == m.rule {
			d.fail("mark of rule %016x twice", m.rule)
			return
		}
	}
	if m.RuleState == (RuleState{}) || len(s.others) == maxForeign {
		d.fail("mark of rule %016x", m.rule)
		return
	}
	s.others = append(s.others, m)
}

// rule is the number of the rule with an id, or the number of rules; as counter does.
func (l *Layout) rule(id uint64, last int) int {
	n := len(l.Rules)
	for i := range n {
		if at := (last + 1 + i) % n; l.Rules[at] == id {
			return at
		}
	}
	return n
}
