package stream

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"
)

// patience tries calls of the store until they work: whatever is wrong with it,
// reading stops and nothing is lost.
type patience struct {
	metrics *Metrics
	log     *slog.Logger
	quiet   *throttle                               // of all who wait for the store
	uneven  func(below time.Duration) time.Duration // part of each pause; a random one
}

func newPatience(m *Metrics, log *slog.Logger) patience {
	return patience{m, log, &throttle{}, rand.N[time.Duration]}
}

// retry calls f until it works, with growing, uneven pauses. The first failure
// of a row is logged when it has lasted a moment, then one every ten seconds, and the end of it. The error is
// ctx's end.
func (p patience) retry(ctx context.Context, operation string, shard int, f func() error) error {
	pause := 10 * time.Millisecond
	logAt := time.Now().Add(200 * time.Millisecond)
	long := false
	for {
		began := time.Now()
		err := f()
		p.metrics.storeCall(operation, time.Since(began))
		if err == nil {
			if long && p.quiet.over() {
				p.log.Info("store answers again", "operation", operation, "shard", shard)
			}
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p.metrics.storeError(operation, err)
		if time.Now().After(logAt) {
			logAt, long = time.Now().Add(throttleEvery), true
			if held, ok := p.quiet.open(); ok {
				p.log.Warn("store does not answer: waiting for it", "operation", operation, "shard", shard, "error", ExplainStore(err), "held_back", held)
			}
		}
		wait(ctx, pause/2+p.uneven(pause/2))
		pause = min(pause*2, time.Second)
	}
}

// wait waits for d, or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// every calls f at each tick until ctx ends.
func every(ctx context.Context, d time.Duration, f func(now time.Time)) {
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
