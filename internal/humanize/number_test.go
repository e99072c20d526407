package humanize

import (
	"math"
	"testing"
)

func TestNumber(t *testing.T) {
	f := func(n int64, want string) {
		t.Helper()
		if got := Number(n); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	f(0, "0")
	f(999, "999")
	f(1000, "1,000")
	f(50_000, "50,000")
	f(1234567, "1,234,567")
	f(-1234, "-1,234")
	f(-123, "-123")
	f(math.MaxInt64, "9,223,372,036,854,775,807")
	f(math.MinInt64, "-9,223,372,036,854,775,808")
}

func TestAppendNumber(t *testing.T) {
	if got := string(AppendNumber([]byte("x"), uint64(math.MaxUint64))); got != "x18,446,744,073,709,551,615" {
		t.Errorf("got %s", got)
	}
}

func TestCount(t *testing.T) {
	f := func(n int, want string) {
		t.Helper()
		if got := Count(n, "event"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	f(0, "0 events")
	f(1, "1 event")
	f(2_000, "2,000 events")
}
