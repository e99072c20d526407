package windows

import (
	"math"
	"testing"
)

func TestBucket(t *testing.T) {
	f := func(step, at, want, wantStart int64) {
		t.Helper()
		sp := Spec{Step: step}
		if got := sp.Bucket(at); got != want {
			t.Errorf("bucket of %d by %d: %d, want %d", at, step, got, want)
		}
		if got := sp.Start(want); got != wantStart {
			t.Errorf("start of %d by %d: %d, want %d", want, step, got, wantStart)
		}
	}
	f(10, 0, 0, 0)
	f(10, 9, 0, 0)
	f(10, 10, 1, 10)
	f(10, -1, -1, -10)
	f(10, -10, -1, -10)
	f(10, -11, -2, -20)
	f(1, math.MinInt64, math.MinInt64, math.MinInt64)
	f(1, math.MaxInt64, math.MaxInt64, math.MaxInt64)
	f(10, math.MaxInt64, math.MaxInt64/10, math.MaxInt64/10*10)
	// The bucket begins before the first time there is.
	f(10, math.MinInt64, math.MinInt64/10-1, math.MinInt64)
	f(0, 12345, 0, math.MinInt64)
	f(0, math.MinInt64, 0, math.MinInt64)
}

func TestLate(t *testing.T) {
	f := func(sp Spec, at, now int64, want bool) {
		t.Helper()
		if got := sp.late(at, now); got != want {
			t.Errorf("%d late at %d by %d of %d: %v", at, now, sp.N, sp.Step, got)
		}
	}
	day := Spec{Step: 10, N: 2}
	f(day, 9, 30, true)
	f(day, 10, 30, false)
	f(day, 10, 39, false)
	f(day, 9, 29, false)
	f(day, 0, 29, false)
	f(day, -1, 29, true)
	f(day, 100, 30, false)
	f(day, -31, -1, true)
	f(day, -30, -1, false)
	// No number of nanoseconds, or a number that is not an int64.
	f(Spec{Step: 10}, 9, 10, true)
	f(Spec{Step: 10}, 10, 19, false)
	f(Spec{Step: math.MaxInt64, N: 1 << 30}, math.MinInt64, math.MaxInt64, false)
	f(Spec{Step: 1, N: 1}, math.MinInt64, math.MaxInt64, true)
	f(Spec{}, math.MinInt64, math.MaxInt64, false)
}

func TestGone(t *testing.T) {
	f := func(sp Spec, b, want int64, wantOK bool) {
		t.Helper()
		if got, ok := sp.gone(b); ok != wantOK || ok && got != want {
			t.Errorf("bucket %d by %d of %d gone at %d, %v", b, sp.N, sp.Step, got, ok)
		}
	}
	f(Spec{Step: 10, N: 2}, 5, 80, true)
	f(Spec{Step: 10, N: 0}, -1, 0, true)
	f(Spec{Step: 10, N: 2}, math.MaxInt64/10, 0, false)
	f(Spec{Step: 1, N: 1}, math.MaxInt64-1, 0, false)
	f(Spec{}, 0, 0, false)
	f(Spec{Step: 10}, noBucket, 0, false)
}
