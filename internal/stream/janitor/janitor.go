package janitor

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
)

// Janitor looks for subjects that have something due while nothing comes for them. One goroutine
// looks for episodes to clear, another for records to forget. It does so for the shards that the
// process owns.
type Janitor struct {
	sweep sweeper
	scan  scanner
}

// New is a janitor that has looked at nothing yet.
func New(o Options) *Janitor {
	shared := o.withDefaults()
	return &Janitor{
		sweep: sweeper{shared},
		scan:  scanner{Options: shared, old: forgetter{shared}, armed: make([]int, len(o.Shards)), seen: make([]bool, len(o.Shards))},
	}
}

const (
	sweepEvery = time.Second

	// scanEvery is the pause between two scans of all records. The first comes sooner, and
	// is tried again while there is nothing to be scanned. So does one for shards that the process was given since: whoever had
	// them may have died between a commit and the noting of what it changed.
	scanEvery = 8 * time.Minute
	scanFirst = 30 * time.Second
	// scanSoon is the same after a start with other rules than before.
	scanSoon = time.Second
)

// Serve looks for subjects that have something due until ctx ends.
func (j *Janitor) Serve(ctx context.Context) {
	var scans sync.WaitGroup
	defer scans.Wait()
	scans.Go(func() { j.scans(ctx) })
	retry.Every(ctx, sweepEvery, func(time.Time) { j.Clears(ctx) })
}

// scans scans every now and then. Ten million records take minutes, which the clears do not wait for.
func (j *Janitor) scans(ctx context.Context) {
	next := time.NewTimer(j.scan.first())
	defer next.Stop()
	given := time.NewTicker(scanFirst)
	defer given.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
			next.Reset(j.ScanTurn(ctx))
		case <-given.C:
			if j.scan.given() {
				next.Reset(j.ScanTurn(ctx))
			}
		}
	}
}

// Clears sends every owned shard the subjects that may have a clear due.
func (j *Janitor) Clears(ctx context.Context) { j.sweep.clears(ctx) }

// ScanTurn scans, if there is anything to be scanned, and returns how long to rest until the next turn.
func (j *Janitor) ScanTurn(ctx context.Context) time.Duration {
	w := &j.scan
	if !slices.ContainsFunc(w.Shards, w.scanned) {
		return w.first()
	}
	if err := w.scan(ctx); err != nil && ctx.Err() == nil {
		w.Calls.Failed(metrics.OperationScan, err)
	}
	return scanEvery
}
