package windows

import (
	"math"
	"testing"
)

func TestTally(t *testing.T) {
	const top = math.MaxUint64
	sum := tally{keys: 1, sum: top}
	sum.add(tally{keys: 2, sum: top})
	sum.add(tally{keys: 3, high: 5, sum: 2})
	if want := (tally{keys: 6, high: 7, sum: 0}); sum != want {
		t.Fatalf("sum %+v, want %+v", sum, want)
	}
	sum.sub(tally{keys: 1, sum: 1})
	if want := (tally{keys: 5, high: 6, sum: top}); sum != want {
		t.Fatalf("difference %+v, want %+v", sum, want)
	}

	within := func(a, b, want tally) {
		t.Helper()
		if got := a.within(b); got != want {
			t.Errorf("%+v within %+v: %+v", a, b, got)
		}
	}
	within(tally{1, 0, 5}, tally{2, 0, 6}, tally{1, 0, 5})
	within(tally{3, 0, 7}, tally{2, 0, 6}, tally{2, 0, 6})
	within(tally{1, 1, 0}, tally{2, 0, top}, tally{1, 0, top})
	within(tally{1, 0, top}, tally{2, 1, 0}, tally{1, 0, top})

	fits := func(a, b tally, want bool) {
		t.Helper()
		if a.fits(b) != want {
			t.Errorf("%+v and %+v: %v", a, b, !want)
		}
	}
	fits(tally{math.MaxUint32 - 1, math.MaxUint32, top}, tally{1, 0, 0}, true)
	fits(tally{math.MaxUint32, 0, 0}, tally{1, 0, 0}, false)
	fits(tally{0, math.MaxUint32, top}, tally{0, 0, 1}, false)
	fits(tally{0, math.MaxUint32, 0}, tally{0, 1, 0}, false)

	over := func(a tally, want bool) {
		t.Helper()
		if a.over() != want {
			t.Errorf("%+v over: %v", a, !want)
		}
	}
	over(tally{sum: MaxValue}, false)
	over(tally{sum: MaxValue + 1}, true)
	over(tally{high: 1}, true)
}
