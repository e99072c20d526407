package retry

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestBackoff(t *testing.T) {
	f := func(b Backoff, want ...int) {
		t.Helper()
		for i, ms := range want {
			if got := b.Next(); got != time.Duration(ms)*time.Millisecond {
				t.Errorf("%+v: pause %d is %v, want %d ms", b, i, got, ms)
			}
		}
	}
	all := func(below time.Duration) time.Duration { return below - 1 }
	none := func(time.Duration) time.Duration { return 0 }
	f(Backoff{First: 100 * time.Millisecond, Most: 2 * time.Second}, 100, 200, 400, 800, 1600, 2000, 2000)
	f(Backoff{First: 50 * time.Millisecond, Most: 50 * time.Millisecond}, 50, 50)
	f(Backoff{First: 10 * time.Millisecond, Most: time.Second, Jitter: none}, 5, 10, 20, 40, 80, 160, 320, 500, 500)

	// The random part is the other half.
	for b, n := (Backoff{First: 10 * time.Millisecond, Most: time.Second, Jitter: all}), 10; n < 1000; n *= 2 {
		if got := b.Next(); got != time.Duration(n)*time.Millisecond-1 {
			t.Errorf("a pause of %d ms is %v at most", n, got)
		}
	}
	b := Backoff{First: 10 * time.Millisecond, Most: time.Second, Jitter: Random}
	for range 1000 {
		if got := b.Next(); got < 5*time.Millisecond || got > time.Second {
			t.Errorf("a random pause of %v", got)
		}
	}
}

// TestBackoffReset: after a success pauses begin with the first one again.
func TestBackoffReset(t *testing.T) {
	b := Backoff{First: 10 * time.Millisecond, Most: time.Second}
	got := fmt.Sprint(b.Failed(), b.Next(), b.Failed(), b.Next())
	b.Reset()
	if got += fmt.Sprint(" ", b.Failed(), b.Next()); got != "false 10ms true 20ms false 10ms" {
		t.Errorf("got %s", got)
	}
}

func TestBackoffWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, began := Backoff{First: time.Second, Most: time.Minute}, time.Now()
		b.Wait(t.Context())
		b.Wait(t.Context())
		if passed := time.Since(began); passed != 3*time.Second {
			t.Errorf("two pauses took %v", passed)
		}
	})
}
