package stream

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	redisstore "github.com/seed-afe14ff2/aggregator/internal/windows/store/redis"
)

// storeLook is how often the store's servers are looked at while they are used: somebody may change their settings.
const storeLook = 15 * time.Second

// checker is a store that knows whether its servers are fit to keep counts.
type checker interface {
	Check(ctx context.Context) ([]redisstore.Server, error)
}

// storeWatch says when the store's servers stop being fit to keep counts, as when keys may be evicted from now on. It ends
// nothing: while none was evicted, counts are as right as before.
type storeWatch struct {
	store   checker
	metrics *metrics.Health
	log     *slog.Logger
	logged  []string // warnings that were logged
	unfit   string   // the fault that was logged
	begun   bool     // the servers were fit when the service began
}

// begin refuses servers that are not fit. When the service begins once more, it is too late for that.
func (w *storeWatch) begin(ctx context.Context) error {
	if w.begun {
		return nil
	}
	servers, err := w.store.Check(ctx)
	if err != nil && !redisstore.Retryable(err) {
		return &finalError{err}
	}
	w.warn(servers)
	w.begun = err == nil
	return err
}

// run looks now and then until ctx ends.
func (w *storeWatch) run(ctx context.Context) {
	retry.Every(ctx, storeLook, func(time.Time) { w.check(ctx) })
}

// check asks the servers once. A server that does not answer is a matter of those who use it.
func (w *storeWatch) check(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, storeLook)
	defer cancel()
	servers, err := w.store.Check(ctx)
	if err != nil && (redisstore.Retryable(err) || ctx.Err() != nil) {
		return
	}
	w.warn(servers)
	text := ""
	if err != nil {
		text = err.Error()
	}
	w.metrics.StoreUnfit(err != nil)
	switch {
	case text == w.unfit:
	case err == nil:
		w.log.Info("store is fit again")
	default:
		w.log.Error("store is not fit to keep counts any more", "error", explain.Store(err))
	}
	w.unfit = text
}

// warn says what was not said yet, and forgets what no longer is.
func (w *storeWatch) warn(servers []redisstore.Server) {
	var now []string
	for _, s := range servers {
		for _, problem := range s.Warnings {
			line := s.Addr + ": " + problem
			if now = append(now, line); !slices.Contains(w.logged, line) {
				w.log.Warn("store setting is risky", "server", s.Addr, "problem", problem)
			}
		}
	}
	w.logged = now
}
