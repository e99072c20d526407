package servers

import (
	"bytes"
	"sync"
	"testing"
	"time"
)

// Output keeps what a process writes. It can be read and waited for while the
// process writes. The zero value is empty and ready.
type Output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{} // closed by the next write; nil: nobody waits
}

// Write appends p.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.changed != nil {
		close(o.changed)
		o.changed = nil
	}
	return o.text.Write(p)
}

// String returns what was written so far.
func (o *Output) String() string {
	text, _ := o.look()
	return text
}

// look returns what was written so far, and a channel that the next write closes.
func (o *Output) look() (text string, changed <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.changed == nil {
		o.changed = make(chan struct{})
	}
	return o.text.String(), o.changed
}

// Await waits until f holds for what was written, and returns that. The test fails
// if f does not hold in time; what names the thing waited for.
func (o *Output) Await(tb testing.TB, limit time.Duration, what string, f func(text string) bool) string {
	tb.Helper()
	late := time.After(limit)
	for {
		text, changed := o.look()
		if f(text) {
			return text
		}
		select {
		case <-changed:
		case <-late:
			tb.Fatalf("waited %v for %s in:\n%s", limit, what, o.String())
		}
	}
}
