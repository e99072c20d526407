package stream

import (
	"sync"
	"time"
)

// throttle lets one line into the log every ten seconds, for all that say the same at once, and counts those
// that it holds back. None at all lets everything through.
type throttle struct {
	mu   sync.Mutex
	last time.Time
	held int
}

// open says whether a line may pass now, and how many were held back since the last one that did.
func (t *throttle) open() (held int, ok bool) {
	if t == nil {
		return 0, true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.last.IsZero() && time.Since(t.last) < throttleEvery {
		t.held++
		return 0, false
	}
	held, t.held, t.last = t.held, 0, time.Now()
	return held, true
}

const throttleEvery = 10 * time.Second
