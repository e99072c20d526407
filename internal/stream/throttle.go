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
	said bool // a line passed, and nobody has said yet that it is over
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
	held, t.held, t.last, t.said = t.held, 0, time.Now(), true
	return held, true
}

// over says, once for all, whether it is to be said that what lines told of is over.
func (t *throttle) over() bool {
	if t == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	said := t.said
	t.said = false
	return said
}

const throttleEvery = 10 * time.Second
