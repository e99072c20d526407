package thresholds

import (
	"math"
	"math/bits"
)

// share is value/limit in 1/10,000: whole of them, and rest/limit of one more.
// What does not fit stays at the largest uint64.
func share(value, limit uint64) (whole, rest uint64) {
	hi, lo := bits.Mul64(value, uint64(LevelOne))
	if hi >= limit {
		return math.MaxUint64, 0
	}
	return bits.Div64(hi, lo, limit)
}

// asks is the smallest integer that reaches level of limit: their product,
// rounded up. What does not fit is the largest uint64.
func asks(limit uint64, level Level) uint64 {
	hi, lo := bits.Mul64(limit, uint64(level))
	if hi >= uint64(LevelOne) {
		return math.MaxUint64
	}
	n, rest := bits.Div64(hi, lo, uint64(LevelOne))
	if rest > 0 && n < math.MaxUint64 {
		n++
	}
	return n
}
