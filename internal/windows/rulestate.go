package windows

import (
	"encoding/binary"
	"math"
	"slices"
)

// otherState is the state of a rule of another layout, carried along.
type otherState struct {
	rule uint64
	RuleState
}

// ruleStates are those of a subject.
type ruleStates struct {
	states []RuleState // by number of the rule; nil: none
	others []otherState
}

// RuleState is what was announced of rule r (its number in the layout).
func (s *ruleStates) RuleState(r int) RuleState {
	if s.states == nil {
		return RuleState{}
	}
	return s.states[r]
}

// SetRuleState replaces it.
func (s *Subject) SetRuleState(r int, m RuleState) {
	if s.RuleState(r) != m {
		s.ruleStates.set(r, m, len(s.layout.Rules))
		s.changed = true
	}
}

// set replaces the state of rule r, of so many.
func (s *ruleStates) set(r int, m RuleState, rules int) {
	if s.states == nil {
		s.states = make([]RuleState, rules)
	}
	s.states[r] = m
}

// Announced reports whether any rule, of this layout or another, ever announced a level.
func (s *ruleStates) Announced() bool {
	return slices.ContainsFunc(s.states, RuleState.announced) || slices.ContainsFunc(s.others, otherState.announced)
}

func (m RuleState) announced() bool {
	return m.Level > 0 || m.Episode > 1
}

// append appends the states: the layout's, then the others.
func (s *ruleStates) append(dst []byte, rules []uint64) []byte {
	n := len(s.others)
	for _, m := range s.states {
		if m != (RuleState{}) {
			n++
		}
	}
	dst = binary.AppendUvarint(dst, uint64(n))
	for r, m := range s.states {
		if m != (RuleState{}) {
			dst = m.append(dst, rules[r])
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

func (s *ruleStates) decode(d *decoder, l *Layout) {
	n := d.count(10)
	others := map[uint64]struct{}{} // those that were read
	for r := -1; n > 0 && d.err == nil; n-- {
		id := d.uint64()
		m := RuleState{Level: d.uvarint(math.MaxUint64), Episode: d.uvarint(math.MaxUint64)}
		if r = l.rule(id, r); r < len(l.Rules) {
			s.decodeState(d, r, m, l)
		} else {
			s.decodeOther(d, otherState{id, m}, others)
		}
	}
}

func (s *ruleStates) decodeState(d *decoder, r int, m RuleState, l *Layout) {
	if m == (RuleState{}) || s.RuleState(r) != (RuleState{}) {
		d.fail("mark of rule %016x", l.Rules[r])
		return
	}
	s.set(r, m, len(l.Rules))
}

func (s *ruleStates) decodeOther(d *decoder, m otherState, read map[uint64]struct{}) {
	if _, twice := read[m.rule]; twice || m.RuleState == (RuleState{}) {
		d.fail("mark of rule %016x", m.rule)
		return
	}
	read[m.rule] = struct{}{}
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
