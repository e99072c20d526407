package windows

import (
	"math"
	"math/bits"
)

// tally is what a bucket holds, or a whole window.
//
// Weights may be any integer of an event, up to 10^15, and keys a million. Their sum needs more
// than 64 bits, so it has 96. A counter that shows less than it holds for a while (above MaxValue)
// must still be right when it falls.
type tally struct {
	keys uint32 // Distinct, Weighted: members last seen there
	high uint32 // bits 64 to 95 of sum
	sum  uint64 // Sum, Weighted: what was added; First: the earliest time
}

// add adds o.
func (t *tally) add(o tally) {
	sum, carry := bits.Add64(t.sum, o.sum, 0)
	t.sum = sum
	t.high += o.high + uint32(carry)
	t.keys += o.keys
}

// sub takes o away, which must not be more than t (see within).
func (t *tally) sub(o tally) {
	diff, borrow := bits.Sub64(t.sum, o.sum, 0)
	t.sum = diff
	t.high -= o.high + uint32(borrow)
	t.keys -= o.keys
}

// within is t, cut to the part of it that o holds.
func (t tally) within(o tally) tally {
	t.keys = min(t.keys, o.keys)
	if t.high > o.high || t.high == o.high && t.sum > o.sum {
		t.high, t.sum = o.high, o.sum
	}
	return t
}

// fits reports whether t can take o without overflow.
func (t tally) fits(o tally) bool {
	_, carry := bits.Add64(t.sum, o.sum, 0)
	return uint64(t.high)+uint64(o.high)+carry <= math.MaxUint32 &&
		uint64(t.keys)+uint64(o.keys) <= math.MaxUint32
}

// over reports whether the sum is above MaxValue.
func (t tally) over() bool {
	return t.high > 0 || t.sum > MaxValue
}
