package thresholds

import "testing"

// TestFraction: it is Progress, but finer.
func TestFraction(t *testing.T) {
	f := func(c Combine, k int, want float64, values ...uint64) {
		t.Helper()
		r := Rule{Combine: c, K: k}
		var v []Value
		for _, value := range values {
			r.Limits, v = append(r.Limits, Limit{Value: 8}), append(v, Value{Value: value})
		}
		r.ratio = newRatio(r.Limits)
		if got := r.Fraction(v); got != want || uint64(got*float64(LevelOne)) != r.Progress(v) {
			t.Errorf("%v of %v: got %v, want %v; progress %d", c, values, got, want, r.Progress(v))
		}
	}
	f(Any, 0, 0.125, 1)
	f(Any, 0, 0.5, 1, 4, 2)
	f(All, 0, 0.125, 1, 4, 2)
	f(AtLeast, 2, 0.25, 1, 4, 2)
	f(Ratio, 0, 0.875, 1, 4, 2)
	f(Any, 0, 1.5, 12)
}
