package janitor

import (
	"context"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
)

// sweeper tells shards which subjects may have a clear due.
type sweeper struct {
	*Options
}

// clears sends every owned shard the subjects that may have a clear due.
func (w *sweeper) clears(ctx context.Context) {
	for n, s := range w.Shards {
		reached := s.StreamTimeShared.Load()
		if reached == engine.NoTime || !w.Owned(n) {
			continue
		}
		due, err := w.Store.Armed(ctx, n, engine.Seconds(reached), sweepMost)
		if err != nil {
			w.Calls.Failed(metrics.OperationIndex, err)
		}
		if len(due) == 0 {
			continue
		}
		select {
		case w.In[n] <- shard.Message{Kind: shard.SweepDue, Due: due}:
		case <-ctx.Done():
			return
		}
	}
}
