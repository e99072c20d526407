package retry

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestWait: a wait ends with its time, with ctx, or with the signal, whichever comes first.
func TestWait(t *testing.T) {
	const d = time.Minute
	f := func(what string, want time.Duration, wait func(ctx context.Context)) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*d)
			defer cancel()
			began := time.Now()
			if wait(ctx); time.Since(began) != want {
				t.Errorf("%s: waited %v, want %v", what, time.Since(began), want)
			}
		})
	}
	f("time", d, func(ctx context.Context) { Wait(ctx, d) })
	f("ctx", 2*d, func(ctx context.Context) { Wait(ctx, 3*d) })
	f("no signal", d, func(ctx context.Context) { NewSignal().Wait(ctx, d) })
	f("signal before", 0, func(ctx context.Context) {
		s := NewSignal()
		s.Raise()
		s.Raise() // does not block, and counts once
		s.Wait(ctx, d)
	})
	f("signal twice", d, func(ctx context.Context) {
		s := NewSignal()
		s.Raise()
		s.Raise()
		s.Wait(ctx, d)
		s.Wait(ctx, d)
	})
	f("signal while waiting", time.Second, func(ctx context.Context) {
		s := NewSignal()
		time.AfterFunc(time.Second, s.Raise)
		s.Wait(ctx, d)
	})
}

func TestEvery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began, n := time.Now(), 0
		Every(ctx, 7*time.Second, func(now time.Time) {
			if n++; now.Sub(began) != time.Duration(n)*7*time.Second {
				t.Errorf("tick %d came after %v", n, now.Sub(began))
			}
		})
		if n != 8 || time.Since(began) != time.Minute {
			t.Errorf("%d ticks in %v", n, time.Since(began))
		}
	})
}
