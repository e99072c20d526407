package partition

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// restore reads the fences of the partition, makes those that are missing, tells
// every shard where to stand, and returns the place to read from: the lowest fence.
func (p *Partition) restore(ctx context.Context) (position.Position, error) {
	fences, err := p.fences(ctx)
	if err != nil {
		return position.Position{}, err
	}
	low := position.Position{Offset: -1}
	for i, b := range fences {
		m, err := position.ParseFence(b)
		if err != nil {
			return position.Position{}, fmt.Errorf("read fence of shard %d, %s/%d: %w", i, p.Assignment.Topic, p.Assignment.Partition, err)
		}
		if low.Offset < 0 || m.Offset < low.Offset {
			low = m
		}
		p.counted = true // whatever happens to the store now
		if !p.send(ctx, i, shard.Message{Kind: shard.BeginAssignment, Assignment: p.Assignment, Fence: b, Position: m}) {
			return position.Position{}, ctx.Err()
		}
	}
	return low, nil
}

// fences are the stored fences by shard. All are made before the first record
// is read: a shard without one has nothing of this partition.
func (p *Partition) fences(ctx context.Context) ([][]byte, error) {
	found, missing, err := p.readFences(ctx)
	if err != nil || missing == 0 {
		return found, err
	}
	if err := p.mustBeLost(ctx, found); err != nil {
		return nil, err
	}
	begin, err := p.initialPosition(ctx, found, missing)
	if err != nil {
		return nil, err
	}
	fence := begin.AppendFence(nil, 0)
	for i := range found {
		if found[i] != nil {
			continue
		}
		if found[i], err = p.makeFence(ctx, i, fence); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// makeFence makes a shard's fence, and with it, in one step, the key that says that it was made.
// It returns the fence that is there then: somebody else may have been faster.
func (p *Partition) makeFence(ctx context.Context, shard int, fence []byte) (stored []byte, err error) {
	c := &windowstore.Commit{
		Fences: []windowstore.Fence{{Key: p.Store.Keys().AppendFenceKey(nil, shard, p.Assignment.Topic, p.Assignment.Partition), To: fence}},
		Puts:   []windowstore.Put{{Key: p.begunKey(shard), Value: []byte{1}}},
	}
	err = p.Retry(ctx, metrics.OperationFence, shard, func() error {
		res, err := p.Store.Commit(ctx, shard, c)
		if stored = fence; err == nil && res.Outcome == windowstore.Fenced {
			stored = res.Fences[0].Value
		}
		return err
	})
	return stored, err
}

// begunKey is the key that says that a shard's fence was made: a store that went
// back, or lost everything, never has it without the fence.
func (p *Partition) begunKey(shard int) []byte {
	return p.Store.Keys().AppendBegunKey(nil, shard, p.Assignment.Topic, p.Assignment.Partition)
}

// ErrFenceGone is a fence that is missing while what was counted up to it is there.
var ErrFenceGone = errors.New("a fence alone is missing, not what was counted up to it, which would be counted twice: " +
	"restore the store, or delete all keys of the shard to have it counted again")

// mustBeLost refuses a fence that was deleted by itself.
func (p *Partition) mustBeLost(ctx context.Context, found [][]byte) error {
	for i, b := range found {
		if b != nil {
			continue
		}
		keys := [][]byte{p.begunKey(i), p.Store.Keys().AppendFenceKey(nil, i, p.Assignment.Topic, p.Assignment.Partition)}
		var values [][]byte
		err := p.Retry(ctx, metrics.OperationLoad, i, func() (err error) {
			values, err = p.Store.Load(ctx, i, keys, nil)
			return err
		})
		if err != nil {
			return err
		}
		if values[0] != nil && values[1] == nil {
			p.lost(1, 0, ErrFenceGone)
			return fmt.Errorf("shard %d, %s/%d: %w", i, p.Assignment.Topic, p.Assignment.Partition, ErrFenceGone)
		}
	}
	return nil
}

func (p *Partition) readFences(ctx context.Context) (found [][]byte, missing int, err error) {
	found = make([][]byte, len(p.Shards))
	for i := range found {
		keys := [][]byte{
			p.Store.Keys().AppendFenceKey(nil, i, p.Assignment.Topic, p.Assignment.Partition),
			p.Store.Keys().AppendSkippedKey(nil, i, p.Assignment.Topic, p.Assignment.Partition),
		}
		var values [][]byte
		err := p.Retry(ctx, metrics.OperationLoad, i, func() (err error) {
			values, err = p.Store.Load(ctx, i, keys, nil)
			return err
		})
		if err != nil {
			return nil, 0, err
		}
		found[i] = values[0]
		if p.Out, err = p.Out.With(values[1]); err != nil {
			return nil, 0, fmt.Errorf("shard %d, %s/%d: %w", i, p.Assignment.Topic, p.Assignment.Partition, err)
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
	"restore it, or set redis.lost: recount to have it counted again")

// initialPosition is the place at which missing fences are made: where the group began to count the partition, or the log's start where
// that is beyond it. One of which the store lost fences is counted again from there: a shard
// without a fence lost its counts as well.
func (p *Partition) initialPosition(ctx context.Context, found [][]byte, missing int) (position.Position, error) {
	start, end, err := p.Source.Offsets(ctx, p.Assignment.Topic, p.Assignment.Partition)
	if err != nil {
		return position.Position{}, err
	}
	begin := max(start, p.Assignment.Begin)
	untouched, made := p.untouched(found)
	switch {
	case begin > end:
		return position.Position{}, fmt.Errorf("begin at offset %d: the log ends at %d: %w", begin, end, ErrShortLog)
	case missing == len(found) && !p.counted:
		return p.from(ctx, begin)
	case missing < len(found) && untouched:
		return made, nil
	}
	if p.RefuseLost {
		p.lost(missing, begin, ErrStoreLost)
		return position.Position{}, ErrStoreLost
	}
	p.lost(missing, begin, nil)
	return p.from(ctx, begin)
}

// lost says, once a loss, that the store has no fence where there was one, and what stands
// in the way of counting again.
func (p *Partition) lost(missing int, begin int64, refused error) {
	if p.lossLogged {
		return
	}
	p.lossLogged = true
	p.Metrics.Lost()
	if refused != nil {
		p.Log.Error("store lost fences: standing still", "topic", p.Assignment.Topic, "partition", p.Assignment.Partition, "missing", missing, "error", refused)
		return
	}
	p.Log.Warn("store lost fences: counting again from where counting began",
		"topic", p.Assignment.Topic, "partition", p.Assignment.Partition, "missing", missing, "offset", begin)
}

// from is the mark of a partition of which nothing was counted, at an offset. If
// the log had more before it, the mark says since when counts are whole.
func (p *Partition) from(ctx context.Context, offset int64) (position.Position, error) {
	m := position.Position{Offset: offset, Clock: engine.NoTime, Newest: engine.NoTime, Seen: engine.NoTime, Pack: p.Program.Hash}
	if offset == 0 {
		return m, nil
	}
	least, err := int64(engine.NoTime), error(nil)
	if offset == p.Assignment.Begin && !p.counted {
		least = p.Start.before(time.Now())
	}
	if m.Since, err = p.WholeFrom(ctx, offset, least); err != nil {
		return position.Position{}, err
	}
	where := []any{"topic", p.Assignment.Topic, "partition", p.Assignment.Partition, "offset", offset, "since", time.Unix(0, m.Since).UTC()}
	if offset == p.Assignment.Begin {
		p.Log.Info("counting begins within the log: counts that reach back before it say since when they are whole", where...)
	} else {
		p.Log.Warn("the log's start is gone: counts that reach back before it say since when they are whole", where...)
	}
	return m, nil
}

// WholeFrom is the time from which on no event is missing if all records from an
// offset on are counted, ns: that of the first of them, and later by as much as an event may be ahead of its record. That may be
// an old one, of a producer who runs late: least, ms, is what is known besides of the records that are not counted, noTime if it is nothing.
// If there is no record, it is least, or now.
func (p *Partition) WholeFrom(ctx context.Context, offset, least int64) (int64, error) {
	first, err := p.firstFrom(ctx, offset)
	if err != nil {
		return 0, err
	}
	if first = max(first, least); first == engine.NoTime {
		first = time.Now().UnixMilli()
	}
	return position.SomeSince(min(engine.Nanoseconds(first), engine.Never-1-int64(p.In.MaxAhead)) + int64(p.In.MaxAhead)), nil
}

// firstFrom is the Kafka timestamp of the first event from an offset on, ms; noTime: there is none. Of a record that is no event, or one
// of a time that is ahead of its timestamp, the timestamp means nothing: seconds for milliseconds would make a hole one of 1970.
func (p *Partition) firstFrom(ctx context.Context, offset int64) (int64, error) {
	p.Stream.SeekTo(offset)
	for {
		set, err := p.Stream.Next(ctx)
		if gone, cut := errors.AsType[*fetch.OutOfRange](err); cut && gone.Start > offset {
			offset = gone.Start
			p.Stream.SeekTo(offset)
			continue
		}
		if err != nil {
			return 0, err
		}
		more, err := set.Read(ctx, &p.Record)
		for ; more && err == nil; more, err = set.Read(ctx, &p.Record) {
			if p.counts() {
				return p.Record.Timestamp, nil
			}
		}
		if err != nil {
			return 0, err
		}
		if next, end := set.Span(); next >= end {
			return engine.NoTime, nil
		}
	}
}

// counts says whether p.record is an event that counts for the clock, and reads it.
func (p *Partition) counts() bool {
	return p.decode(&p.Record) == nil && !p.In.TooNew(engine.Nanoseconds(p.Record.Timestamp))
}

// untouched says whether the fences found are as they were made: somebody
// stopped between making them.
func (p *Partition) untouched(found [][]byte) (bool, position.Position) {
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

// RebuildDedupe makes the memory of ids what it is at a mark, by reading the log of one window before it, or of
// what came since it was last up to date: another owner has counted that. A place that was decided before needs nothing.
func (p *Partition) RebuildDedupe(ctx context.Context, at position.Position) error {
	if p.DecidedTo >= 0 && at.Offset >= p.knownFrom && at.Offset <= p.DecidedTo {
		return nil
	}
	clock, err := p.clockAt(ctx, at)
	if err != nil {
		return err
	}
	from := at.Offset
	if clock != engine.NoTime {
		if from, err = p.Source.OffsetAt(ctx, p.Assignment.Topic, p.Assignment.Partition, clock-p.In.IDs.Window); err != nil {
			return err
		}
	}
	if from <= p.DecidedTo && p.DecidedTo <= at.Offset {
		from = p.DecidedTo
	} else {
		p.In.IDs.Reset()
	}
	p.DecidedTo = -1 // until all is read: what fails is tried again from the start of the window
	if err := p.ReadIDs(ctx, from, at.Offset); err != nil {
		return err
	}
	p.DecidedTo, p.knownFrom, p.repeats = at.Offset, at.Offset, p.repeats[:0]
	return nil
}

// clockAt is a time that the partition's clock has reached with the first record behind a mark at the latest, ms; noTime: nothing
// is before it. Where nothing was counted yet the ids of what stands before are known all the same: a restart would know them.
func (p *Partition) clockAt(ctx context.Context, at position.Position) (int64, error) {
	if at.Clock != engine.NoTime || at.Offset == 0 {
		return at.Clock, nil
	}
	first, err := p.firstFrom(ctx, at.Offset)
	if first == engine.NoTime {
		first = time.Now().UnixMilli() - p.In.IDs.Window // the one to come may be some time under way
	}
	return first, err
}

// ReadIDs notes the ids of the records in [from, to), without counting them.
func (p *Partition) ReadIDs(ctx context.Context, from, to int64) error {
	p.Stream.SeekTo(from)
	for from < to {
		set, err := p.Stream.Next(ctx)
		var gone *fetch.OutOfRange
		if errors.As(err, &gone) && gone.Start > from {
			from = gone.Start
			p.Stream.SeekTo(from)
			continue
		}
		if err != nil {
			return err
		}
		for {
			more, err := set.Read(ctx, &p.Record)
			if err != nil {
				return err
			}
			if !more || p.Record.Offset >= to {
				break
			}
			p.Note()
		}
		next, end := set.Span()
		p.Pulse.Beat()
		if next <= from && end < to {
			return fmt.Errorf("read back from offset %d: the log ends at %d, what was counted at %d: %w", from, end, to, ErrShortLog)
		}
		from = next
	}
	return nil
}

// errShortLog: with another log behind its place nothing that was counted can be trusted.
var ErrShortLog = errors.New("the topic was cut or made anew; its counts cannot be trusted: use a new group and an empty store")

// Note notes the id of p.record, if it is an event that counts for the clock.
func (p *Partition) Note() {
	if p.counts() {
		p.In.Repeated(p.Record.Timestamp)
	}
}
