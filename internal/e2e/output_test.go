package e2e

import (
	"bytes"
	"sync"
	"testing"
	"time"
)

// limit is how long a test waits for anything. Nothing comes near it that works.
const limit = 60 * time.Second

// watched is an output that can be waited for.
type watched struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func newWatched() *watched { return &watched{changed: make(chan struct{}, 1)} }

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case w.changed <- struct{}{}:
	default:
	}
	return w.text.Write(p)
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// await waits until f holds for what was written.
func (w *watched) await(t *testing.T, what string, f func(text string) bool) string {
	t.Helper()
	late := time.After(limit)
	for {
		if text := w.String(); f(text) {
			return text
		}
		select {
		case <-w.changed:
		case <-late:
			t.Fatalf("no %s in:\n%s", what, w.String())
		}
	}
}
