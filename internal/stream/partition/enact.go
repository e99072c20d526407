package partition

import (
	"context"
	"fmt"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/seed-afe14ff2/aggregator/internal/stream/inforce"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// enact notes in a shard's history of the partition that from its fence on our rules decide, unless it says so already. It
// returns the fence as it is stored then.
//
// The fence is written again in the same step. Who still counts by other rules, and does not know yet that the partition was
// taken from him, has his next commit refused: nothing of his comes after that place. It bears our packs from now on, so that
// nobody takes the partition for one that is counted by his.
func (o *origin) enact(ctx context.Context, shard int, found foundFence) (fence []byte, err error) {
	for fence, stored := found.fence, found.history; ; fence = nil {
		if fence == nil { // it was made just now, or is another one by now
			if fence, stored, err = o.readHistory(ctx, shard); err != nil {
				return nil, err
			}
		}
		if fence == nil {
			return nil, errRestart // lost since it was read
		}
		h, err := inforce.ParseHistory(stored)
		if err != nil {
			return nil, fmt.Errorf("shard %d, %s/%d: %w", shard, o.assignment.Topic, o.assignment.Partition, err)
		}
		if h.Last() == o.Rules {
			return fence, nil
		}
		moved, done, err := o.begin(ctx, shard, fence, stored, h)
		if err != nil || done {
			return moved, err
		}
	}
}

// announceRules tells the process that its rules are about to decide where others did, or nobody.
func (o *origin) announceRules(ctx context.Context) error {
	if o.Enact == nil {
		return nil
	}
	return o.Retry(ctx, metrics.OperationFence, 0, func() error { return o.Enact(ctx) })
}

// begin writes the fence again, and the history after it. It reports whether both were still what was read.
func (o *origin) begin(ctx context.Context, shard int, fence, stored []byte, h inforce.History) (moved []byte, done bool, err error) {
	m, err := position.ParseFence(fence)
	if err != nil {
		return nil, false, fmt.Errorf("read fence of shard %d, %s/%d: %w", shard, o.assignment.Topic, o.assignment.Partition, err)
	}
	from := m.Offset
	if len(h) == 0 && m.Pack == o.Program.Hash {
		from = 0 // of a version that kept no history: ours are the packs by which it was counted
	}
	m.Pack = o.Program.Hash
	moved = m.AppendFence(nil, o.mark(fence))
	c := &windowstore.Commit{Fences: []windowstore.Fence{
		{Key: o.Store.Keys().AppendFenceKey(nil, shard, o.assignment.Topic, o.assignment.Partition), From: fence, To: moved},
		{Key: o.historyKey(shard), From: stored, To: o.history(h, from).AppendTo(nil)},
	}}
	err = o.Retry(ctx, metrics.OperationFence, shard, func() error {
		res, err := o.Store.Commit(ctx, shard, c)
		done = err == nil && res.Outcome == windowstore.Done
		return err
	})
	return moved, done, err
}

// mark is the number that stands for the commit of a fence which our rules take over. It is another one for other rules, and for
// another fence.
func (o *origin) mark(fence []byte) uint64 {
	h := xxhash.New()
	_, _ = h.WriteString(o.Rules)
	_, _ = h.Write(fence)
	return h.Sum64()
}

// history is h after our rules began to decide at an offset.
func (o *origin) history(h inforce.History, from int64) inforce.History {
	return h.With(inforce.Era{From: from, Rules: o.Rules, At: time.Now().UnixMilli()})
}

func (o *origin) historyKey(shard int) []byte {
	return o.Store.Keys().AppendHistoryKey(nil, shard, o.assignment.Topic, o.assignment.Partition)
}

// readHistory reads a shard's fence of the partition, and its history.
func (o *origin) readHistory(ctx context.Context, shard int) (fence, history []byte, err error) {
	keys := [][]byte{o.Store.Keys().AppendFenceKey(nil, shard, o.assignment.Topic, o.assignment.Partition), o.historyKey(shard)}
	var values [][]byte
	err = o.Retry(ctx, metrics.OperationLoad, shard, func() (err error) {
		values, err = o.Store.Load(ctx, shard, keys, nil)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return values[0], values[1], nil
}
