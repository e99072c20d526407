package thresholds

import (
	"math"
	"slices"
	"testing"
)

func limitsOf(values ...uint64) []Limit {
	var limits []Limit
	for _, v := range values {
		limits = append(limits, Limit{Value: v})
	}
	return limits
}

func TestNewRatio(t *testing.T) {
	f := func(multiple uint64, weights []uint64, limits ...uint64) {
		t.Helper()
		x := newRatio(limitsOf(limits...))
		if x.multiple != multiple || !slices.Equal(x.weights, weights) {
			t.Errorf("%v: %+v, want %d, %v", limits, x, multiple, weights)
		}
	}
	f(2_000, []uint64{10, 1}, 200, 2_000)
	f(12, []uint64{3, 2, 12}, 4, 6, 1)
	f(MaxValue, []uint64{1, 1}, MaxValue, MaxValue)
	// two limits: the multiple may have 63 bits
	f(1<<32*(1<<31-1), []uint64{1<<31 - 1, 1 << 32}, 1<<32, 1<<31-1)
	f(0, nil, 1<<32, 1<<31+1)
	// above 64 bits; in the lower half of the first only the 41st bit is set
	f(0, nil, 1<<40, 1<<40+1)
	f(0, nil, MaxValue, MaxValue-1)
	f(0, nil, MaxValue-1, 3, MaxValue)
	// no limit, and one no pack may have
	f(1, nil)
	f(0, nil, 5, 0)
}

// Every rest is at its largest here: the sum of them comes nearest to 64 bits.
func TestRestsDoNotOverflow(t *testing.T) {
	f := func(limits ...uint64) {
		t.Helper()
		r := &Rule{Combine: Ratio, Limits: limitsOf(limits...)}
		r.ratio = newRatio(r.Limits)
		if r.ratio.multiple == 0 {
			t.Fatalf("%v have no multiple of 64 bits", limits)
		}
		var v []Value
		for _, l := range r.Limits {
			v = append(v, Value{Value: largestRest(l.Value)})
		}
		if got, want := r.Progress(v), progressBig(r.Limits, v); got != want {
			t.Errorf("%v of %v: progress is %d, want %d", v, limits, got, want)
		}
	}
	f(1<<32, 1<<31-1)
	f(1<<32-1, 1<<31-1)
	f(1<<31-1, 1<<31, 1<<30)
	f(1<<30, 1<<31-1, 1<<31-1, 1<<30)
}

// largestRest is the value below limit whose share leaves most over.
func largestRest(limit uint64) (value uint64) {
	var most uint64
	for v := uint64(1); v <= 10_000; v++ {
		at := limit*v/10_000 + 1
		if _, rest := share(at-1, limit); rest > most {
			value, most = at-1, rest
		}
	}
	return value
}

func TestProgressSaturates(t *testing.T) {
	f := func(want uint64, limits []Limit, values ...uint64) {
		t.Helper()
		r := &Rule{Combine: Ratio, Limits: limits}
		var v []Value
		for _, x := range values {
			v = append(v, Value{Value: x})
		}
		for _, r.ratio = range []ratio{newRatio(limits), {}} {
			if got := r.Progress(v); got != want {
				t.Errorf("%v: progress is %d, want %d", values, got, want)
			}
		}
	}
	most := uint64(math.MaxUint64) / 10_000
	f(most*10_000, limitsOf(1), most)
	f(math.MaxUint64, limitsOf(1), most+1)
	f(most*10_000, limitsOf(1, 1), most-5, 5)
	f(most*10_000+1_615, limitsOf(1, 10_000), most, 1_615)
	f(math.MaxUint64, limitsOf(1, 10_000), most, 1_616)
	f(math.MaxUint64, limitsOf(1, 20_000, 20_000), most, 3_231, 1) // the two halves left over are one too many
	f(math.MaxUint64, limitsOf(1, 1), most, most)
	f(math.MaxUint64, limitsOf(1, 3), most+1, 1)
}
