package stream

import (
	"context"
	"log/slog"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
)

// retrier tries calls of the store until they work: whatever is wrong with it,
// reading stops and nothing is lost.
type retrier struct {
	metrics *Metrics
	log     *slog.Logger
	quiet   *retry.Throttle // of all who wait for the store
	jitter  retry.Jitter    // of pauses
}

func newRetrier(m *Metrics, log *slog.Logger) retrier {
	return retrier{m, log, &retry.Throttle{}, retry.Random}
}

// retry calls f until it works, with growing, uneven pauses. The first failure
// of a row is logged when it has lasted a moment, then one every ten seconds, and the end of it. The error is
// ctx's end.
func (r retrier) retry(ctx context.Context, operation string, shard int, f func() error) error {
	pause := retry.Backoff{First: 10 * time.Millisecond, Most: time.Second, Jitter: r.jitter}
	logAt := time.Now().Add(200 * time.Millisecond)
	long := false
	for {
		began := time.Now()
		err := f()
		r.metrics.storeCall(operation, time.Since(began))
		if err == nil {
			if long && r.quiet.Over() {
				r.log.Info("store answers again", "operation", operation, "shard", shard)
			}
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.metrics.storeError(operation, err)
		if time.Now().After(logAt) {
			logAt, long = time.Now().Add(retry.ThrottleEvery), true
			if held, ok := r.quiet.Pass(); ok {
				r.log.Warn("store does not answer: waiting for it", "operation", operation, "shard", shard, "error", explain.Store(err), "held_back", held)
			}
		}
		pause.Wait(ctx)
	}
}
