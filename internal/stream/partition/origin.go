package partition

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
)

// origin is where a partition begins: at its fences, or where they are made.
type origin struct {
	*Shared
	Deciding   // the partition's
	assignment *shard.Assignment
	back       *lookback
	counted    bool // the group had counted it: a store without fences has lost them
	lossLogged bool // the loss of fences was logged
}

// errStoreLost is what stands in the way of counting when the store lost its
// fences and redis.lost says refuse.
var errStoreLost = errors.New("the store has no fence though the group committed an offset: its data was lost; " +
	"restore it, or set redis.lost: recount to have it counted again")

// initialPosition is where missing fences are made: where the group began to count the partition, or the log's start if
// that is later. If the store lost fences, the partition is counted again from there: a shard
// without a fence lost its counts as well.
func (o *origin) initialPosition(ctx context.Context, found [][]byte, missing int) (position.Position, error) {
	start, end, err := o.Source.Offsets(ctx, o.assignment.Topic, o.assignment.Partition)
	if err != nil {
		return position.Position{}, err
	}
	begin := max(start, o.assignment.Begin)
	untouched, made := o.untouched(found)
	switch {
	case begin > end:
		return position.Position{}, fmt.Errorf("begin at offset %d: the log ends at %d: %w", begin, end, errShortLog)
	case missing == len(found) && !o.counted:
		return o.from(ctx, begin)
	case missing < len(found) && untouched:
		return made, nil
	}
	if o.RefuseLost {
		o.lost(missing, begin, errStoreLost)
		return position.Position{}, errStoreLost
	}
	o.lost(missing, begin, nil)
	return o.from(ctx, begin)
}

// lost reports, once a loss, that the store has no fence where there was one. refused is why it is not
// counted again; nil: it is.
func (o *origin) lost(missing int, begin int64, refused error) {
	if o.lossLogged {
		return
	}
	o.lossLogged = true
	o.Metrics.Lost()
	if refused != nil {
		o.Log.Error("store lost fences: standing still", "topic", o.assignment.Topic, "partition", o.assignment.Partition, "missing", missing, "error", refused)
		return
	}
	o.Log.Warn("store lost fences: counting again from where counting began",
		"topic", o.assignment.Topic, "partition", o.assignment.Partition, "missing", missing, "offset", begin)
}

// from is the position of a partition at an offset when nothing of it was counted. If
// the log had more before it, the position has the time since when counts are whole.
func (o *origin) from(ctx context.Context, offset int64) (position.Position, error) {
	m := position.Position{Offset: offset, Clock: engine.NoTime, Newest: engine.NoTime, Seen: engine.NoTime, Pack: o.Program.Hash}
	if offset == 0 {
		return m, nil
	}
	least, err := int64(engine.NoTime), error(nil)
	if offset == o.assignment.Begin && !o.counted {
		least = o.Start.before(time.Now())
	}
	if m.Since, err = o.back.wholeFrom(ctx, offset, least); err != nil {
		return position.Position{}, err
	}
	where := []any{"topic", o.assignment.Topic, "partition", o.assignment.Partition, "offset", offset, "since", time.Unix(0, m.Since).UTC()}
	if offset == o.assignment.Begin {
		o.Log.Info("counting begins within the log: counts that reach back before it say since when they are whole", where...)
	} else {
		o.Log.Warn("the log's start is gone: counts that reach back before it say since when they are whole", where...)
	}
	return m, nil
}

// untouched reports whether the fences found are as they were made: somebody
// stopped between making them.
func (o *origin) untouched(found [][]byte) (bool, position.Position) {
	var made position.Position
	any := false
	for _, b := range found {
		if b == nil {
			continue
		}
		m, err := position.ParseFence(b)
		if err != nil || m.Clock != engine.NoTime || any && m.Offset != made.Offset {
			return false, position.Position{}
		}
		made, any = m, true
	}
	return any, made
}
