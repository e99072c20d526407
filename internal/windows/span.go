package windows

import (
	"math"
	"math/bits"
)

// NoTime stands for a time that is not known, or that was before all others; Never for a time that
// does not come.
const (
	NoTime = math.MinInt64
	Never  = math.MaxInt64
)

// noBucket is the number of no bucket.
const noBucket = NoTime

// Bucket is the number of the bucket that time t falls in, floor(t/Step).
func (sp *Spec) Bucket(t int64) int64 {
	if sp.Step == 0 {
		return 0
	}
	b := t / sp.Step
	if t%sp.Step < 0 {
		b--
	}
	return b
}

// lowest is the oldest bucket covered at a time in bucket now.
func (sp *Spec) lowest(now int64) int64 {
	return satAdd(now, -sp.N)
}

// Start is the first nanosecond of bucket b, cut to what an int64 can say.
func (sp *Spec) Start(b int64) int64 {
	if sp.Step == 0 {
		return math.MinInt64
	}
	hi, lo := bits.Mul64(abs(b), uint64(sp.Step))
	switch {
	case hi == 0 && lo <= math.MaxInt64 && b < 0:
		return -int64(lo)
	case hi == 0 && lo <= math.MaxInt64:
		return int64(lo)
	case b < 0:
		return math.MinInt64
	}
	return math.MaxInt64
}

// gone is the time at which bucket b leaves the window; false if it never does.
func (sp *Spec) gone(b int64) (int64, bool) {
	if sp.Step == 0 || b == noBucket {
		return 0, false
	}
	t := sp.Start(satAdd(b, sp.N+1))
	return t, t != math.MaxInt64
}

// late reports whether an event of time t is out of the window at time now.
func (sp *Spec) late(t, now int64) bool {
	if sp.Step == 0 || t >= now {
		return false
	}
	// Up to N whole steps back is never late: no division for nearly all events.
	hi, lo := bits.Mul64(uint64(sp.N), uint64(sp.Step))
	if hi != 0 || uint64(now)-uint64(t) <= lo {
		return false
	}
	return sp.Bucket(t) < sp.lowest(sp.Bucket(now))
}

// abs is the absolute value, also of the smallest int64.
func abs(x int64) uint64 {
	if x < 0 {
		return -uint64(x)
	}
	return uint64(x)
}

// satAdd is a + b, cut to what an int64 can say.
func satAdd(a, b int64) int64 {
	switch c := a + b; {
	case b > 0 && c < a:
		return math.MaxInt64
	case b < 0 && c > a:
		return math.MinInt64
	default:
		return c
	}
}
