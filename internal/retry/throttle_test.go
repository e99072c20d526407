package retry

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &Throttle{}
		f := func(held int, ok bool) {
			t.Helper()
			if h, o := q.Pass(); h != held || o != ok {
				t.Errorf("got %d, %v, want %d, %v", h, o, held, ok)
			}
		}
		f(0, true)
		f(0, false)
		f(0, false)
		<-time.After(ThrottleEvery - 1)
		f(0, false)
		<-time.After(1)
		f(3, true)
		f(0, false)
		if !q.Over() || q.Over() {
			t.Error("that it is over is to be said once")
		}
		if _, ok := q.Pass(); ok {
			t.Error("a line passes before its time")
		}
		if q.Over() {
			t.Error("nothing was said since")
		}
		q = nil
		f(0, true)
		f(0, true)
	})
}

// TestThrottleSome: so many lines pass in each stretch, which begins with its first line.
func TestThrottleSome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &Throttle{Most: 2, Every: time.Minute}
		f := func(held int, ok bool) {
			t.Helper()
			if h, o := q.Pass(); h != held || o != ok {
				t.Errorf("got %d, %v, want %d, %v", h, o, held, ok)
			}
		}
		f(0, true)
		<-time.After(time.Minute - 1)
		f(0, true)
		f(0, false)
		<-time.After(1)
		f(1, true)
		f(0, true)
		f(0, false)
		f(0, false)
		<-time.After(3 * time.Minute)
		f(2, true)
	})
}
