package stream

import (
	"context"
	"sync"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
)

// sweeper looks for subjects that have something due while nothing comes for
// them: episodes to clear, and records to forget, in a goroutine for the
// one and one for the other. It does so for the shards that the process owns.
type sweeper struct {
	*shardOptions
	shards    []*shard
	in        []chan message
	owned     func(shard int) bool
	step      int                                             // records of a shard that a scan looks at in one go
	rest      func(ctx context.Context, worked time.Duration) // called after each step of a scan
	recompute int                                             // of how many subjects of a shard a scan has the clear's date worked out again, about
	armed     []int                                           // how many subjects of each shard may clear, by the last scan; 0: there was none since the process owns it
}

func (w *sweeper) serve(ctx context.Context) {
	var scans sync.WaitGroup
	defer scans.Wait()
	scans.Go(func() { w.scans(ctx) })
	retry.Every(ctx, sweepEvery, func(time.Time) { w.clears(ctx) })
}

// clears tells every owned shard which subjects may have a clear due.
func (w *sweeper) clears(ctx context.Context) {
	for n, s := range w.shards {
		reached := s.streamTimeShared.Load()
		if reached == noTime || !w.owned(n) {
			continue
		}
		due, err := w.store.Armed(ctx, n, floorDiv(reached, second), sweepMost)
		if err != nil {
			w.metrics.storeError("index", err)
		}
		if len(due) == 0 {
			continue
		}
		select {
		case w.in[n] <- message{kind: sweepDue, due: due}:
		case <-ctx.Done():
			return
		}
	}
}

const sweepEvery = time.Second

const (
	// sweepMost is how many silent subjects one message to a shard names, and how many records one step of a scan looks at.
	sweepMost = 200
)
