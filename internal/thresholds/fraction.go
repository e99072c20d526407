package thresholds

import "slices"

// Fraction is how far v is to the rule's limit, about: 1 is the limit. It is finer than Progress, so that it shows how fast
// that rises. Nothing is decided by it.
func (r *Rule) Fraction(v []Value) float64 {
	var room [16]float64 // more limits than that cost an allocation
	shares := room[:0]
	sum := 0.0
	for i, l := range r.Limits {
		share := float64(v[i].Value) / float64(l.Value)
		shares, sum = append(shares, share), sum+share
	}
	if r.Combine == Ratio {
		return sum
	}
	slices.Sort(shares)
	switch r.Combine {
	case All:
		return shares[0]
	case AtLeast:
		return shares[len(shares)-r.K]
	}
	return shares[len(shares)-1]
}
