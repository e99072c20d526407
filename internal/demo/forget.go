package demo

import (
	"context"
	"log/slog"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// forgetAfter is how long after its end the demo keeps an incident's counts. The
// windows of its rules are two years long, and the demo's memory is not.
const forgetAfter = 5 * time.Minute

// forgetEnded deletes what was counted for incidents that ended long ago, and for
// the accounts that acted in them. If the service meets them again, it finds them
// gone and counts from nothing.
func forgetEnded(ctx context.Context, r *inspect.Reader, w *world, log *slog.Logger) {
	forget := func(k thresholds.Kind, id string) {
		if err := r.Forget(ctx, k, id); err != nil && ctx.Err() == nil {
			log.Warn("an incident that ended was not forgotten", "error", err)
		}
	}
	for _, i := range w.forget(forgetAfter) {
		forget(thresholds.Incident, i.id)
		for _, a := range i.accounts {
			forget(thresholds.Account, a)
		}
	}
}
