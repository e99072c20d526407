package retry

import (
	"sync"
	"time"
)

// Throttle lets one line into the log every ten seconds, for all that say the same at once. It
// counts the lines that it holds back. The zero value is ready; a nil Throttle lets everything
// through.
type Throttle struct {
	mu     sync.Mutex
	last   time.Time
	held   int
	passed bool // a line passed, and Over has not reported it yet
}

// Pass reports whether a line may pass now, and how many were held back since the last line that
// did.
func (t *Throttle) Pass() (held int, ok bool) {
	if t == nil {
		return 0, true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.last.IsZero() && time.Since(t.last) < ThrottleEvery {
		t.held++
		return 0, false
	}
	held, t.held, t.last, t.passed = t.held, 0, time.Now(), true
	return held, true
}

// Over reports, once for all, whether to log that the lines' trouble is over: only after a line passed.
func (t *Throttle) Over() bool {
	if t == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	passed := t.passed
	t.passed = false
	return passed
}

// ThrottleEvery is how far apart the lines are that a Throttle lets through.
const ThrottleEvery = 10 * time.Second
