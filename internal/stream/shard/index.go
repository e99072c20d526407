package shard

import (
	"context"
	"errors"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// index is a shard's part of the index of armed subjects: when each may have a clear due. It is a hint, mended by the
// janitor's scan: an error only delays a clear.
type index struct {
	*cache
}

// note notes of entries when each may have a clear due, or that it has none.
func (x index) note(ctx context.Context, entries []*Entry) {
	var armed []windowstore.Due
	var disarmed [][]byte
	for _, e := range entries {
		if e.Due == engine.Never {
			disarmed = append(disarmed, x.member(e))
		} else {
			armed = append(armed, windowstore.Due{Member: x.member(e), Unix: engine.Seconds(e.Awaited())})
		}
	}
	var err error
	if len(armed) > 0 {
		err = x.Store.Arm(ctx, x.number, armed...)
	}
	if len(disarmed) > 0 {
		err = errors.Join(err, x.Store.Disarm(ctx, x.number, disarmed...))
	}
	if err != nil {
		x.failed(ctx, err)
		return
	}
	for _, e := range entries {
		e.indexed = e.Delay()
	}
}

func (x index) member(e *Entry) []byte {
	return x.Keys.AppendMember(nil, e.Kind.String(), []byte(e.ID))
}

func (x index) failed(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		x.Calls.Failed(metrics.OperationIndex, err)
	}
}

// recheck looks once more at subjects that were taken out of the index, or put to a later date.
// What another process noted between the reading of a record and that would be lost. That process
// commits before it notes, so that one of the two sees the other.
func (x index) recheck(ctx context.Context, entries []*Entry, streamTime int64) error {
	for some := range slices.Chunk(entries, MaxLoadKeys) {
		records, err := x.records(ctx, some)
		if err != nil {
			return err
		}
		var again []windowstore.Due
		for i, e := range some {
			if !SameVersion(records[i], e.version) {
				again = append(again, windowstore.Due{Member: x.member(e), Unix: engine.Seconds(streamTime)})
			}
		}
		if len(again) > 0 {
			x.failed(ctx, x.Store.Arm(ctx, x.number, again...))
		}
	}
	return nil
}

// changed are the subjects of a written batch whose date in the index may be another. These are
// subjects with new crossings, and subjects that lag less behind the stream than when they were put
// there.
func (b *batch) changed() (list []*Entry) {
	for _, c := range b.crossings {
		if n := len(list); c.entry != nil && (n == 0 || list[n-1] != c.entry) {
			list = append(list, c.entry)
		}
	}
	for _, e := range b.entries {
		if e.Due != engine.Never && e.Delay() < e.indexed {
			list = append(list, e)
		}
	}
	return list
}
