package retry

import (
	"cmp"
	"sync"
	"time"
)

// Throttle lets one line into the log every ten seconds, for all that say the same at once. It
// counts the lines that it holds back. The zero value is ready; a nil Throttle lets everything
// through.
type Throttle struct {
	Most  int           // how many lines pass in each stretch of Every. Default 1
	Every time.Duration // default ThrottleEvery

	mu     sync.Mutex
	began  time.Time // when the stretch began, with its first line
	passed int       // lines of the stretch
	held   int
	told   bool // a line passed, and Over has not reported it yet
}

// Pass reports whether a line may pass now, and how many were held back since the last line that
// did.
func (t *Throttle) Pass() (held int, ok bool) {
	if t == nil {
		return 0, true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.began.IsZero() || time.Since(t.began) >= cmp.Or(t.Every, ThrottleEvery) {
		t.began, t.passed = time.Now(), 0
	}
	if t.passed >= max(t.Most, 1) {
		t.held++
		return 0, false
	}
	t.passed++
	held, t.held, t.told = t.held, 0, true
	return held, true
}

// Over reports, once for all, whether to log that the lines' trouble is over: only after a line passed.
func (t *Throttle) Over() bool {
	if t == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	told := t.told
	t.told = false
	return told
}

// ThrottleEvery is how far apart the lines are that a Throttle lets through by default.
const ThrottleEvery = 10 * time.Second
