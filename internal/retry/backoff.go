package retry

import (
	"context"
	"math/rand/v2"
	"time"
)

// Backoff is the pauses between attempts that fail: each is twice as long as the one before it. It belongs to one goroutine.
type Backoff struct {
	First time.Duration // the pause after the first failure; above 0
	Most  time.Duration // the longest pause
	// Jitter makes pauses uneven, so that those who failed together do not come back together. It
	// gives a random part of half a pause, and the other half stays. Default: none, pauses are
	// even.
	Jitter Jitter

	next time.Duration // 0: First
}

// Jitter is a random time from 0 up to, but without, a bound that is above 0.
type Jitter func(below time.Duration) time.Duration

// Random is the Jitter of everything except the simulation.
var Random Jitter = rand.N[time.Duration]

// Next is the pause after a failure.
func (b *Backoff) Next() time.Duration {
	pause := max(b.next, b.First)
	b.next = min(2*pause, b.Most)
	if b.Jitter == nil {
		return pause
	}
	return pause/2 + b.Jitter(pause/2)
}

// Wait waits for the pause after a failure, or until ctx ends.
func (b *Backoff) Wait(ctx context.Context) { Wait(ctx, b.Next()) }

// Reset begins again with the first pause, after a success.
func (b *Backoff) Reset() { b.next = 0 }

// Failed reports whether the last attempt failed.
func (b *Backoff) Failed() bool { return b.next > 0 }
