package metrics

import (
	"context"
	"log/slog"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
)

// Retrier tries calls of the store until they work: whatever is wrong with it,
// reading stops and nothing is lost.
type Retrier struct {
	Calls  *Calls
	Log    *slog.Logger
	quiet  *retry.Throttle // of all who wait for the store
	Jitter retry.Jitter    // of pauses
}

// NewRetrier makes the retrier of a process.
func NewRetrier(m *Metrics, log *slog.Logger) Retrier {
	return Retrier{m.Calls, log, &retry.Throttle{}, retry.Random}
}

// Retry calls f until it works, with growing, uneven pauses. Failures in a row are logged once they have lasted a moment, then
// every ten seconds, and at their end. The error is ctx's end.
func (r Retrier) Retry(ctx context.Context, operation string, shard int, f func() error) error {
	pause := retry.Backoff{First: 10 * time.Millisecond, Most: time.Second, Jitter: r.Jitter}
	logAt := time.Now().Add(200 * time.Millisecond)
	long := false
	for {
		began := time.Now()
		err := f()
		r.Calls.took(operation, time.Since(began))
		if err == nil {
			if long && r.quiet.Over() {
				r.Log.Info("store answers again", "operation", operation, "shard", shard)
			}
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.Calls.Failed(operation, err)
		if time.Now().After(logAt) {
			logAt, long = time.Now().Add(retry.ThrottleEvery), true
			if held, ok := r.quiet.Pass(); ok {
				r.Log.Warn("store does not answer: waiting for it", "operation", operation, "shard", shard, "error", explain.Store(err), "held_back", held)
			}
		}
		pause.Wait(ctx)
	}
}
