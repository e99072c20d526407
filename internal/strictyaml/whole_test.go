package strictyaml

import (
	"math"
	"testing"
)

func TestWhole(t *testing.T) {
	f := func(s string, want uint64, written bool) {
		t.Helper()
		if n, ok := Whole(s); n != want || ok != written {
			t.Errorf("%q is %d, %v, want %d, %v", s, n, ok, want, written)
		}
	}
	f("0", 0, true)
	f("50000", 50_000, true)
	f("50_000", 50_000, true)
	f("18446744073709551615", math.MaxUint64, true)
	f("18446744073709551616", math.MaxUint64, true)
	for _, s := range []string{"", "-1", "+1", "010", "0x10", "5_0000", "50_", "_1", "1.0", "1e3", " 1", "٣"} {
		f(s, 0, false)
	}
}
