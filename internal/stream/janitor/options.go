package janitor

import (
	"cmp"
	"context"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
)

// Options is what a janitor works with.
type Options struct {
	*shard.Options                      // of the shards
	Shards         []*shard.Shard       // all of the process, by number
	In             []chan shard.Message // of each shard
	Owned          func(shard int) bool // reports whether a shard is this process' to look after
	Step           int                  // records of a shard that a scan looks at in one go; sweepMost by default
	Recompute      int                  // of how many subjects of a shard a scan has the clear's date worked out again, about; recomputeMost by default
	// Soon: the first scan does not wait, as the lists of subjects near a limit are those of other rules.
	Soon bool
	// Rest is called after each step of a scan. By default it rests three times as long as was worked. So looking takes each
	// process a quarter of a core at most, and as much of Redis.
	Rest func(ctx context.Context, worked time.Duration)
}

// withDefaults sets what is zero.
func (o Options) withDefaults() *Options {
	o.Step, o.Recompute = cmp.Or(o.Step, sweepMost), cmp.Or(o.Recompute, recomputeMost)
	if o.Rest == nil {
		o.Rest = rest
	}
	return &o
}

// rest rests in proportion to the work. A process that was stopped did not work all that time.
func rest(ctx context.Context, worked time.Duration) { retry.Wait(ctx, min(3*worked, time.Second)) }
