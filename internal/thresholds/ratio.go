package thresholds

import (
	"math"
	"math/big"
	"math/bits"
)

// ratio is what adding up the shares of a Ratio rule needs, computed once.
//
// The sum of 10,000 x value/limit has two parts: the sum of the whole parts, and the sum of
// rest/limit of what is left over. On a common multiple of the limits the second is an integer sum:
// (rest x multiple/limit) over multiple. Each rest is below its limit, so each term is below the
// multiple. All terms fit into 64 bits if the multiple times the number of limits does.
type ratio struct {
	multiple uint64   // the least common multiple of the limits; 0: too large, use progressBig
	weights  []uint64 // multiple/limit, by limit
}

// newRatio is the ratio of limits; its zero value, which is slow but as exact,
// if their common multiple is too large.
func newRatio(limits []Limit) ratio {
	x := ratio{multiple: 1}
	for _, l := range limits {
		x.multiple = commonMultiple(x.multiple, l.Value, math.MaxUint64/uint64(len(limits)))
		if x.multiple == 0 {
			return ratio{}
		}
	}
	for _, l := range limits {
		x.weights = append(x.weights, x.multiple/l.Value)
	}
	return x
}

// commonMultiple is the least common multiple of a and b, or 0 if it is more
// than most or if one of them is 0.
func commonMultiple(a, b, most uint64) uint64 {
	divisor, rest := a, b
	for rest != 0 {
		divisor, rest = rest, divisor%rest
	}
	hi, lo := bits.Mul64(a/divisor, b)
	if hi != 0 || lo > most {
		return 0
	}
	return lo
}

// progress is the sum of the shares, in 1/10,000, rounded down once, at the end.
func (x ratio) progress(limits []Limit, v []Value) uint64 {
	if x.multiple == 0 {
		return progressBig(limits, v)
	}
	var sum, rests uint64
	for i, l := range limits {
		whole, rest := share(v[i].Value, l.Value)
		sum = addSaturating(sum, whole)
		rests += rest * x.weights[i]
	}
	return addSaturating(sum, rests/x.multiple)
}

// progressBig is the same for limits of any common multiple.
func progressBig(limits []Limit, v []Value) uint64 {
	sum := new(big.Rat)
	for i, l := range limits {
		value, limit := new(big.Int).SetUint64(v[i].Value), new(big.Int).SetUint64(l.Value)
		sum.Add(sum, new(big.Rat).SetFrac(value.Mul(value, ten4), limit))
	}
	whole := new(big.Int).Quo(sum.Num(), sum.Denom())
	if !whole.IsUint64() {
		return math.MaxUint64
	}
	return whole.Uint64()
}

var ten4 = big.NewInt(int64(LevelOne))

func addSaturating(a, b uint64) uint64 {
	sum, carry := bits.Add64(a, b, 0)
	if carry != 0 {
		return math.MaxUint64
	}
	return sum
}
