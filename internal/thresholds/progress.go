package thresholds

import (
	"math"
	"slices"
)

// Progress is how far v is to the rule's limit, in 1/10,000 of it, rounded down. What does not fit
// stays at the largest uint64. v[i] belongs to r.Limits[i].
//
// Levels are whole 1/10,000s too, so to round down loses nothing. v reaches a level if and only if
// Progress is not less than the level. Every decision of this package is such a comparison.
func (r *Rule) Progress(v []Value) uint64 {
	switch r.Combine {
	case AtLeast:
		return r.kthShare(v)
	case Ratio:
		return r.ratio.progress(r.Limits, v)
	}
	smallest, largest := uint64(math.MaxUint64), uint64(0)
	for i, l := range r.Limits {
		s, _ := share(v[i].Value, l.Value)
		smallest, largest = min(smallest, s), max(largest, s)
	}
	if r.Combine == All {
		return smallest
	}
	return largest
}

// kthShare is the K-th largest share. To round before comparing is safe: it never puts a larger
// share after a smaller one.
func (r *Rule) kthShare(v []Value) uint64 {
	var room [16]uint64 // more limits than that cost an allocation
	shares := room[:0]
	for i, l := range r.Limits {
		s, _ := share(v[i].Value, l.Value)
		shares = append(shares, s)
	}
	slices.Sort(shares)
	return shares[len(shares)-r.K]
}

// Reaches reports whether progress is at or above l.
func (r *Rule) Reaches(l Level, v []Value) bool {
	return r.Progress(v) >= uint64(l)
}

// Reached appends the indexes of the limits whose measure alone reaches l. At a
// ratio there may be none.
func (r *Rule) Reached(l Level, v []Value, dst []int) []int {
	for i, limit := range r.Limits {
		if s, _ := share(v[i].Value, limit.Value); s >= uint64(l) {
			dst = append(dst, i)
		}
	}
	return dst
}
