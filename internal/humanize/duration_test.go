package humanize

import (
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	f := func(d time.Duration, want string) {
		t.Helper()
		if got := Duration(d); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	f(0, "0d")
	f(50*time.Millisecond, "50ms")
	f(time.Minute, "1m")
	f(90*time.Minute, "1h30m")
	f(10*time.Minute, "10m")
	f(10*time.Second, "10s")
	f(2*time.Hour, "2h")
	f(48*time.Hour, "2d")
	f(239*time.Hour+59*time.Minute+59*time.Second+999*time.Millisecond, "239h59m59.999s")
}
