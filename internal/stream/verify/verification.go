package verify

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inforce"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
)

// verification is a verify under way.
type verification struct {
	*Options
	Result
	metrics.Retrier
	topics    []position.TopicPartition
	began     map[uint64]int64    // since when each counter is kept, as coverage has it
	index     inforce.Index       // the rules that were ever in force
	histories [][]inforce.History // by shard and partition: which of them were where
	recount   *recount
	limits    [][]position.Position // by shard and partition: the fences last read
	fenceSeen bool                  // a fence was there when they were read
	// extra are the keys, by shard, of records that the store had and the log had not.
	extra  [][][]byte
	clears engine.Applier
}

// refresh reads the fences of the shards from the n-th on, and reads the log up to them. So little
// of the log waits in memory for a shard.
func (v *verification) refresh(ctx context.Context, n int) error {
	for i := n; i < v.Shards; i++ {
		values, err := v.load(ctx, i, nil)
		if err != nil {
			return err
		}
		if err := v.limit(i, values); err != nil {
			return err
		}
	}
	return v.readOn(ctx, n)
}

// load reads the fences of a shard, followed by more keys, at one moment.
func (v *verification) load(ctx context.Context, number int, more [][]byte) (values [][]byte, err error) {
	keys := append(position.AppendFenceKeys(nil, v.Store.Keys(), number, v.topics), more...)
	err = v.Retry(ctx, "load", number, func() (err error) {
		values, err = v.Store.Load(ctx, number, keys, nil)
		return err
	})
	return values, err
}

// errWentBack ends a verification of a store that lost something meanwhile.
var errWentBack = errors.New("its fences went back while it was verified: the store lost what was counted; verify again when the service has recounted")

// limit takes the fences of a shard, as stored.
func (v *verification) limit(shard int, fences [][]byte) error {
	limits := make([]position.Position, len(v.topics))
	for i, t := range v.topics {
		m := position.Position{Offset: v.recount.partitions[i].From(), Clock: engine.NoTime, Newest: engine.NoTime}
		if fences[i] != nil {
			var err error
			if m, err = position.ParseFence(fences[i]); err != nil {
				return fmt.Errorf("read fence of shard %d, %s/%d: %w", shard, t.Topic, t.Partition, err)
			}
			v.fenceSeen = true
			v.OtherRules = v.OtherRules || m.Pack != v.Program.Hash
		}
		limits[i] = m
		if old := v.limits[shard]; old != nil && m.Offset < old[i].Offset {
			return fmt.Errorf("%s/%d: %w", t.Topic, t.Partition, errWentBack)
		}
	}
	v.limits[shard] = limits
	return nil
}

// readOn reads the log up to the limits of the shards from the n-th on, and
// takes those shards there.
func (v *verification) readOn(ctx context.Context, n int) error {
	to := make([]int64, len(v.topics))
	for _, limits := range v.limits[n:] {
		for i := range limits {
			to[i] = max(to[i], limits[i].Offset)
		}
	}
	apply := func() error {
		for i := n; i < v.Shards; i++ {
			if err := v.recount.apply(ctx, i, v.limits[i]); err != nil {
				return err
			}
		}
		if v.Progress != nil {
			v.Progress(v.recount.progress(to))
		}
		return ctx.Err()
	}
	if err := v.recount.read(ctx, to, apply); err != nil {
		return err
	}
	return apply()
}

// horizon is the time from which on both the log as it was read and the store's shard are complete,
// ns. NoTime: they are from the start.
func (v *verification) horizon(shard int) int64 {
	h := int64(engine.NoTime)
	for i, p := range v.recount.partitions {
		m := &v.limits[shard][i]
		if h = max(h, p.CompleteFrom(m.Clock)); m.Since != 0 {
			h = max(h, m.Since)
		}
	}
	return h
}
