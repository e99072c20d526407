package stream

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &throttle{}
		f := func(held int, ok bool) {
			t.Helper()
			if h, o := q.open(); h != held || o != ok {
				t.Errorf("got %d, %v, want %d, %v", h, o, held, ok)
			}
		}
		f(0, true)
		f(0, false)
		f(0, false)
		<-time.After(throttleEvery - 1)
		f(0, false)
		<-time.After(1)
		f(3, true)
		f(0, false)
		if !q.over() || q.over() {
			t.Error("that it is over is to be said once")
		}
		if _, ok := q.open(); ok {
			t.Error("a line passes before its time")
		}
		if q.over() {
			t.Error("nothing was said since")
		}
		q = nil
		f(0, true)
		f(0, true)
	})
}
