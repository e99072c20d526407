package janitor

import (
	"context"
	"sync"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
)

// Janitor looks for subjects that have something due while nothing comes for them. One goroutine
// looks for episodes to clear, another for records to forget. It does so for the shards that the
// process owns.
type Janitor struct {
	*shard.Options
	Shards    []*shard.Shard
	In        []chan shard.Message
	Owned     func(shard int) bool
	Step      int                                             // records of a shard that a scan looks at in one go
	Rest      func(ctx context.Context, worked time.Duration) // called after each step of a scan
	Recompute int                                             // of how many subjects of a shard a scan has the clear's date worked out again, about
	Armed     []int                                           // how many subjects of each shard may clear, by the last scan; 0: there was none since the process owns it
}

// Serve looks for subjects that have something due until ctx ends.
func (w *Janitor) Serve(ctx context.Context) {
	var scans sync.WaitGroup
	defer scans.Wait()
	scans.Go(func() { w.scans(ctx) })
	retry.Every(ctx, sweepEvery, func(time.Time) { w.Clears(ctx) })
}

// Clears sends every owned shard the subjects that may have a clear due.
func (w *Janitor) Clears(ctx context.Context) {
	for n, s := range w.Shards {
		reached := s.StreamTimeShared.Load()
		if reached == engine.NoTime || !w.Owned(n) {
			continue
		}
		due, err := w.Store.Armed(ctx, n, engine.Seconds(reached), SweepMost)
		if err != nil {
			w.Metrics.StoreError("index", err)
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

const sweepEvery = time.Second
