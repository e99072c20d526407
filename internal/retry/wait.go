package retry

import (
	"context"
	"time"
)

// Wait waits for d, or until ctx ends.
func Wait(ctx context.Context, d time.Duration) { Signal(nil).Wait(ctx, d) }

// Every calls f at each tick until ctx ends.
func Every(ctx context.Context, d time.Duration, f func(now time.Time)) {
	t := time.NewTicker(d)
	defer t.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case now := <-t.C:
			f(now)
		}
	}
}

// Signal wakes one waiting goroutine, now or when it next waits. A nil Signal is never raised.
type Signal chan struct{}

// NewSignal returns a Signal that is not raised.
func NewSignal() Signal { return make(Signal, 1) }

// Raise wakes the goroutine that waits, or the next goroutine that waits. It never blocks.
func (s Signal) Raise() {
	select {
	case s <- struct{}{}:
	default:
	}
}

// Wait returns when the signal is raised, d has passed or ctx has ended.
func (s Signal) Wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-s:
	case <-t.C:
	case <-ctx.Done():
	}
}
