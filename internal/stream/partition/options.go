package partition

import (
	"context"
	"sync/atomic"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watermark"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Options is what partitions need to know.
type Options struct {
	Deciding  // at first; Shared.Change has them decide otherwise
	Secret    engine.Secret
	Intake    engine.IntakeOptions
	Source    fetch.Source
	Store     store                // has the fences
	Shards    []chan shard.Message // where operations go, by shard
	Dead      deadLetters          // where records go that cannot be counted
	Alignment *watermark.Alignment // of all partitions of the process
	Start     Start                // of the group; zero: at the start of the log
	Canaries  string               // topic whose partitions count their canaries; "": none, as in a recount
	// RefuseLost: the store lost its fences: stand still, do not count again.
	RefuseLost      bool
	metrics.Retrier // and log
	Metrics         *metrics.Intake
}

// Deciding is by what partitions decide.
type Deciding struct {
	Program *engine.Program
	Rules   string                          // id of what decides (inforce.Rules); "": no history of it is kept
	Enact   func(ctx context.Context) error // is called before they decide where others did; nil: nothing is
}

// store is what a partition needs of the store.
type store interface {
	windowstore.Atomic
	Keys() windowstore.Keys
}

// deadLetters takes the records that cannot be counted. It returns when all are safe.
type deadLetters interface {
	Write(ctx context.Context, letters []deadLetter) error
}

// Shared is what the partitions of a process share, from one generation of the group to the next.
type Shared struct {
	Options
	chunkOps  int            // operations of a chunk at which it is sent
	stalled   retry.Throttle // of all partitions that stand still
	surplus   retry.Throttle // of all that pass records over
	uncounted *uncounted
	holes     holes
	dedupe    dedupeCache
	deciding  atomic.Pointer[Deciding] // by what a partition decides that goes to its fences now
	changing  atomic.Bool              // shards change to it: no partition goes to its fences meanwhile
}

// NewShared is for the partitions of one process.
func NewShared(o Options) *Shared {
	s := &Shared{Options: o, chunkOps: shard.ChunkOps, uncounted: newUncounted()}
	s.deciding.Store(&o.Deciding)
	return s
}

// Change has partitions decide otherwise from when they next go to their fences. That they wait with until Changed is called:
// shards, which ask them to go there, change one after the other.
func (s *Shared) Change(to Deciding) {
	s.changing.Store(true)
	s.deciding.Store(&to)
}

// Changed is told that all shards have changed.
func (s *Shared) Changed() { s.changing.Store(false) }

// Given is told that a generation has begun. Ids of partitions that it did not give to this process are forgotten.
func (s *Shared) Given() { s.dedupe.forget() }
