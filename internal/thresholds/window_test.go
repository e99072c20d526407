package thresholds

import "testing"

func TestStepFor(t *testing.T) {
	const day = 86_400
	f := func(window, least int64, want string) {
		t.Helper()
		if got := stepFor(window, least); got != want {
			t.Errorf("the step for %ds from %ds is %s, want %s", window, least, got, want)
		}
	}
	f(730*day, 1, "1d")
	f(7*day, 1, "1h")
	f(600, 1, "1m")
	f(30, 1, "1s")
	f(1, 1, "1s")
	f(7, 1, "1s")
	f(36_500*day, 1, "50d")
	f(3_600, 400, "10m")
	f(0, 1, "1d")
}

func TestStepNear(t *testing.T) {
	const day = 86_400
	f := func(window, wanted int64, want string) {
		t.Helper()
		if got := stepNear(window, wanted); got != want {
			t.Errorf("the step for %ds near %ds is %s, want %s", window, wanted, got, want)
		}
	}
	f(730*day, 7*day, "5d")
	f(3_600, 420, "6m")
	f(997*day, 2*day, "1d")
	f(7, 5, "7s")
	f(101, 50, "101s")
	f(600, 45, "1m")
}
