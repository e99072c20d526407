package windows

import (
	"encoding/binary"
	"math"
)

// otherMark is the mark of a rule of another layout, carried along.
type otherMark struct {
	rule uint64
	Mark
}

// Mark is what was announced of rule r (its number in the layout).
func (s *Subject) Mark(r int) Mark {
	if s.marks == nil {
		return Mark{}
	}
	return s.marks[r]
}

// SetMark replaces it.
func (s *Subject) SetMark(r int, m Mark) {
	if s.Mark(r) == m {
		return
	}
	if s.marks == nil {
		s.marks = make([]Mark, len(s.layout.Rules))
	}
	s.marks[r] = m
	s.changed = true
}

// Marked says whether any rule, of this layout or another, ever announced a level.
func (s *Subject) Marked() bool {
	for _, m := range s.marks {
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

func (m Mark) announced() bool {
	return m.Level > 0 || m.Episode > 1
}

// appendMarks appends the marks: the layout's, then the others.
func (s *Subject) appendMarks(dst []byte) []byte {
	n := len(s.others)
	for _, m := range s.marks {
		if m != (Mark{}) {
			n++
		}
	}
	dst = binary.AppendUvarint(dst, uint64(n))
	for r, m := range s.marks {
		if m != (Mark{}) {
			dst = m.append(dst, s.layout.Rules[r])
		}
	}
	for _, m := range s.others {
		dst = m.append(dst, m.rule)
	}
	return dst
}

func (m Mark) append(dst []byte, rule uint64) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, rule)
	dst = binary.AppendUvarint(dst, m.Level)
	return binary.AppendUvarint(dst, m.Episode)
}

func (s *Subject) decodeMarks(d *decoder) {
	n := d.count(10)
	for r := -1; n > 0 && d.err == nil; n-- {
		id := d.uint64()
		m := Mark{Level: d.uvarint(math.MaxUint64), Episode: d.uvarint(math.MaxUint64)}
		if r = s.layout.rule(id, r); r < len(s.layout.Rules) {
			s.decodeMark(d, r, m)
		} else {
			s.decodeOther(d, otherMark{id, m})
		}
	}
}

func (s *Subject) decodeMark(d *decoder, r int, m Mark) {
	if m == (Mark{}) || s.Mark(r) != (Mark{}) {
		d.fail("mark of rule %016x", s.layout.Rules[r])
		return
	}
	s.SetMark(r, m)
	s.changed = false
}

func (s *Subject) decodeOther(d *decoder, m otherMark) {
	for _, o := range s.others {
		if o.rule == m.rule {
			d.fail("mark of rule %016x twice", m.rule)
			return
		}
	}
	if m.Mark == (Mark{}) || len(s.others) == maxForeign {
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
