package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
)

// startPolicy says where to begin when there is no fence.
type startPolicy struct {
	latest bool // a new partition begins at its end, not at its start
	refuse bool // Redis lost its fences: stand still, do not count again from the log's start
}

// enter reads the fences of the partition, makes those that are missing, tells
// every shard where to stand, and returns the place to read from: the lowest fence.
func (p *partition) enter(ctx context.Context) (mark, error) {
	fences, err := p.fences(ctx)
	if err != nil {
		return mark{}, err
	}
	low := mark{offset: -1}
	for i, b := range fences {
		m, err := parseFence(b)
		if err != nil {
			return mark{}, fmt.Errorf("read fence of shard %d, %s/%d: %w", i, p.lease.topic, p.lease.partition, err)
		}
		if low.offset < 0 || m.offset < low.offset {
			low = m
		}
		p.groupAt = max(p.groupAt, m.offset) // whatever happens to the store now: the partition is not new
		if !p.send(ctx, i, message{kind: beginLease, lease: p.lease, fence: b, mark: m}) {
			return mark{}, ctx.Err()
		}
	}
	return low, nil
}

// fences are the stored fences by shard. All are made before the first record
// is read: a shard without one has nothing of this partition.
func (p *partition) fences(ctx context.Context) ([][]byte, error) {
	found, missing, err := p.readFences(ctx)
	if err != nil || missing == 0 {
		return found, err
	}
	begin, err := p.beginning(ctx, found, missing)
	if err != nil {
		return nil, err
	}
	fence := mark{offset: begin, clock: noTime, newest: noTime, seen: noTime, pack: p.program.hash}.appendFence(nil, 0)
	for i := range found {
		if found[i] != nil {
			continue
		}
		key := p.keys.AppendFenceKey(nil, i, p.lease.topic, p.lease.partition)
		err := p.retry(ctx, operationFence, i, func() (err error) {
			found[i], err = p.store.PutAbsent(ctx, i, key, fence)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (p *partition) readFences(ctx context.Context) (found [][]byte, missing int, err error) {
	found = make([][]byte, len(p.shards))
	for i := range found {
		key := p.keys.AppendFenceKey(nil, i, p.lease.topic, p.lease.partition)
		err := p.retry(ctx, operationLoad, i, func() error {
			values, err := p.store.Load(ctx, i, [][]byte{key}, nil)
			if err == nil {
				found[i] = values[0]
			}
			return err
		})
		if err != nil {
			return nil, 0, err
		}
		if found[i] == nil {
			missing++
		}
	}
	return found, missing, nil
}

// ErrStoreLost is what stands in the way of counting when the store lost its
// fences and redis.lost says refuse.
var ErrStoreLost = errors.New("the store has no fence though the group committed an offset: its data was lost; " +
	"restore it, or set redis.lost: recount to count again from the start of the log")

// beginning is the offset at which missing fences are made. A partition new to
// everybody begins where the policy says. One of which the store lost fences is
// counted again from the start of the log: a shard without a fence lost its counts as well.
func (p *partition) beginning(ctx context.Context, found [][]byte, missing int) (int64, error) {
	start, end, err := p.source.Offsets(ctx, p.lease.topic, p.lease.partition)
	if err != nil {
		return 0, err
	}
	untouched, offset := p.untouched(found)
	switch {
	case missing == len(found) && p.groupAt < 0:
		if p.start.latest {
			return end, nil
		}
		return start, nil
	case missing < len(found) && untouched:
		return offset, nil
	case p.start.refuse:
		return 0, ErrStoreLost
	}
	p.metrics.lost()
	p.log.Warn("store lost fences: counting again from the start of the log",
		"topic", p.lease.topic, "partition", p.lease.partition, "missing", missing, "offset", start)
	return start, nil
}

// untouched says whether the fences found are as they were made: somebody
// stopped between making them.
func (p *partition) untouched(found [][]byte) (bool, int64) {
	offset := int64(-1)
	for _, b := range found {
		if b == nil {
			continue
		}
		m, err := parseFence(b)
		if err != nil || m.clock != noTime || offset >= 0 && m.offset != offset {
			return false, 0
		}
		offset = m.offset
	}
	return offset >= 0, offset
}

// remember rebuilds the memory of ids as it was at a mark, by reading the log
// of one window before it. A place that was decided before needs nothing.
func (p *partition) remember(ctx context.Context, at mark) error {
	if p.known >= 0 && at.offset >= p.knownFrom && at.offset <= p.known {
		return nil
	}
	p.in.ids.reset()
	p.known = -1 // until all is read: what fails is tried again from here
	if at.clock != noTime {
		from, err := p.source.OffsetAt(ctx, p.lease.topic, p.lease.partition, at.clock-p.in.ids.window)
		if err != nil {
			return err
		}
		if err := p.reread(ctx, from, at.offset); err != nil {
			return err
		}
	}
	p.known, p.knownFrom, p.repeats = at.offset, at.offset, p.repeats[:0]
	return nil
}

// reread notes the ids of the records in [from, to), without counting them.
func (p *partition) reread(ctx context.Context, from, to int64) error {
	p.stream.SeekTo(from)
	for from < to {
		set, err := p.stream.Next(ctx)
		var gone *fetch.OutOfRange
		if errors.As(err, &gone) && gone.Start > from {
			from = gone.Start
			p.stream.SeekTo(from)
			continue
		}
		if err != nil {
			return err
		}
		for {
			more, err := set.Read(&p.record)
			if err != nil {
				return err
			}
			if !more || p.record.Offset >= to {
				break
			}
			p.note()
		}
		from, _ = set.Span()
	}
	return nil
}

// note notes the id of p.record, if it is an event that counts for the clock.
func (p *partition) note() {
	r := &p.record
	if err := p.decode(r); err != nil || p.in.tooNew(nanoseconds(r.Timestamp)) {
		return
	}
	p.in.repeated(r.Timestamp)
}

// hole goes on behind records that the log no longer holds.
func (p *partition) hole(gone *fetch.OutOfRange) error {
	if gone.Offset > gone.End {
		return fmt.Errorf("read on: %w: the topic was cut or made anew; its counts cannot be trusted: use a new group and an empty store", gone)
	}
	p.log.Error("hole in the log: records were deleted before they were read",
		"topic", p.lease.topic, "partition", p.lease.partition, "from", gone.Offset, "to", gone.Start, "records", gone.Start-gone.Offset)
	p.metrics.hole(gone.Start - gone.Offset)
	p.next = gone.Start
	p.stream.SeekTo(gone.Start)
	return nil
}
