package thresholds

import (
	"math"
	"testing"
)

func TestLevelString(t *testing.T) {
	f := func(l Level, want, progress string) {
		t.Helper()
		if got := l.String(); got != want {
			t.Errorf("level %d is %s, want %s", uint64(l), got, want)
		}
		if got := string(AppendProgress(nil, uint64(l))); got != progress {
			t.Errorf("progress %d is %s, want %s", uint64(l), got, progress)
		}
	}
	f(0, "0", "0.0")
	f(1, "0.0001", "0.0001")
	f(10, "0.001", "0.001")
	f(1_010, "0.101", "0.101")
	f(8_000, "0.8", "0.8")
	f(8_123, "0.8123", "0.8123")
	f(9_999, "0.9999", "0.9999")
	f(10_000, "1", "1.0")
	f(50_000, "5", "5.0")
	f(100_000, "10", "10.0")
	f(12_345_670, "1234.567", "1234.567")
	f(math.MaxUint64, "1844674407370955.1615", "1844674407370955.1615")
}
