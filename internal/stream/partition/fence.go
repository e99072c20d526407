package partition

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/stream/inforce"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// find returns the fences by shard, as they are stored. Those that are missing are made before the first record
// is read: a shard without one has nothing of this partition. Each says by which rules it is counted from there on.
func (o *origin) find(ctx context.Context) ([][]byte, error) {
	read, missing, err := o.readFences(ctx)
	if err != nil {
		return nil, err
	}
	found := make([][]byte, len(read))
	for i := range read {
		found[i] = read[i].fence
	}
	if !slices.ContainsFunc(read, func(f foundFence) bool { return !f.ours }) {
		return found, nil
	}
	if err := o.announceRules(ctx); err != nil {
		return nil, err
	}
	if missing > 0 {
		if err := o.makeMissing(ctx, found, missing); err != nil {
			return nil, err
		}
	}
	for i := range found {
		if read[i].ours || o.Rules == "" {
			continue
		}
		if found[i], err = o.enact(ctx, i, read[i]); err != nil {
			return nil, err
		}
	}
	return found, o.announceRules(ctx) // once more: before the fences bore our packs, others may have taken their counters for kept
}

// makeMissing makes the fences that are missing.
func (o *origin) makeMissing(ctx context.Context, found [][]byte, missing int) error {
	if err := o.mustBeLost(ctx, found); err != nil {
		return err
	}
	begin, err := o.initialPosition(ctx, found, missing)
	if err != nil {
		return err
	}
	fence := begin.AppendFence(nil, 0)
	for i := range found {
		if found[i] != nil {
			continue
		}
		if found[i], err = o.makeFence(ctx, i, fence); err != nil {
			return err
		}
	}
	return nil
}

// makeFence makes a shard's fence, and with it, in one step, the key that says that it was made.
// It returns the fence that is there then: somebody else may have been faster.
func (o *origin) makeFence(ctx context.Context, shard int, fence []byte) (stored []byte, err error) {
	c := &windowstore.Commit{
		Fences: []windowstore.Fence{{Key: o.Store.Keys().AppendFenceKey(nil, shard, o.assignment.Topic, o.assignment.Partition), To: fence}},
		Puts:   []windowstore.Put{{Key: o.begunKey(shard), Value: []byte{1}}},
	}
	if o.Rules != "" {
		c.Puts = append(c.Puts, windowstore.Put{Key: o.historyKey(shard), Value: o.history(nil, 0).AppendTo(nil)})
	}
	err = o.Retry(ctx, metrics.OperationFence, shard, func() error {
		res, err := o.Store.Commit(ctx, shard, c)
		if stored = fence; err == nil && res.Outcome == windowstore.Fenced {
			stored = res.Fences[0].Value
		}
		return err
	})
	return stored, err
}

// begunKey is the key that says that a shard's fence was made. A store that went back, or lost
// everything, never has it without the fence.
func (o *origin) begunKey(shard int) []byte {
	return o.Store.Keys().AppendBegunKey(nil, shard, o.assignment.Topic, o.assignment.Partition)
}

// errFenceGone is a fence that is missing while what was counted up to it is there.
var errFenceGone = errors.New("a fence alone is missing, not what was counted up to it, which would be counted twice: " +
	"restore the store, or delete all keys of the shard to have it counted again")

// mustBeLost refuses a fence that was deleted by itself.
func (o *origin) mustBeLost(ctx context.Context, found [][]byte) error {
	for i, b := range found {
		if b != nil {
			continue
		}
		keys := [][]byte{o.begunKey(i), o.Store.Keys().AppendFenceKey(nil, i, o.assignment.Topic, o.assignment.Partition)}
		var values [][]byte
		err := o.Retry(ctx, metrics.OperationLoad, i, func() (err error) {
			values, err = o.Store.Load(ctx, i, keys, nil)
			return err
		})
		if err != nil {
			return err
		}
		if values[0] != nil && values[1] == nil {
			o.lost(1, 0, errFenceGone)
			return fmt.Errorf("shard %d, %s/%d: %w", i, o.assignment.Topic, o.assignment.Partition, errFenceGone)
		}
	}
	return nil
}

// foundFence is a shard's fence of the partition, and its history, as they are stored.
type foundFence struct {
	fence, history []byte // nil: there is none
	ours           bool   // by the history, our rules count on from there
}

// readFences reads the fences by shard.
func (o *origin) readFences(ctx context.Context) (found []foundFence, missing int, err error) {
	found = make([]foundFence, len(o.Shards))
	for i := range found {
		keys := [][]byte{
			o.Store.Keys().AppendFenceKey(nil, i, o.assignment.Topic, o.assignment.Partition),
			o.Store.Keys().AppendSkippedKey(nil, i, o.assignment.Topic, o.assignment.Partition), o.historyKey(i),
		}
		var values [][]byte
		err := o.Retry(ctx, metrics.OperationLoad, i, func() (err error) {
			values, err = o.Store.Load(ctx, i, keys, nil)
			return err
		})
		if err != nil {
			return nil, 0, err
		}
		if o.back.passedOver, err = o.back.passedOver.With(values[1]); err != nil {
			return nil, 0, fmt.Errorf("shard %d, %s/%d: %w", i, o.assignment.Topic, o.assignment.Partition, err)
		}
		h, err := inforce.ParseHistory(values[2])
		if err != nil {
			return nil, 0, fmt.Errorf("shard %d, %s/%d: %w", i, o.assignment.Topic, o.assignment.Partition, err)
		}
		found[i] = foundFence{values[0], values[2], values[0] != nil && h.Last() == o.Rules}
		if values[0] == nil {
			missing++
		}
	}
	return found, missing, nil
}
