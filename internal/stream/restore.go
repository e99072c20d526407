package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// restore reads the fences of the partition, makes those that are missing, tells
// every shard where to stand, and returns the place to read from: the lowest fence.
func (p *partition) restore(ctx context.Context) (position, error) {
	fences, err := p.fences(ctx)
	if err != nil {
		return position{}, err
	}
	low := position{offset: -1}
	for i, b := range fences {
		m, err := parseFence(b)
		if err != nil {
			return position{}, fmt.Errorf("read fence of shard %d, %s/%d: %w", i, p.assignment.topic, p.assignment.partition, err)
		}
		if low.offset < 0 || m.offset < low.offset {
			low = m
		}
		p.counted = true // whatever happens to the store now
		if !p.send(ctx, i, message{kind: beginAssignment, assignment: p.assignment, fence: b, position: m}) {
			return position{}, ctx.Err()
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
	if err := p.mustBeLost(ctx, found); err != nil {
		return nil, err
	}
	begin, err := p.initialPosition(ctx, found, missing)
	if err != nil {
		return nil, err
	}
	fence := begin.appendFence(nil, 0)
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
func (p *partition) makeFence(ctx context.Context, shard int, fence []byte) (stored []byte, err error) {
	c := &windowstore.Commit{
		Fences: []windowstore.Fence{{Key: p.keys.AppendFenceKey(nil, shard, p.assignment.topic, p.assignment.partition), To: fence}},
		Puts:   []windowstore.Put{{Key: p.begunKey(shard), Value: []byte{1}}},
	}
	err = p.retry(ctx, operationFence, shard, func() error {
		res, err := p.store.Commit(ctx, shard, c)
		if stored = fence; err == nil && res.Outcome == windowstore.Fenced {
			stored = res.Fences[0].Value
		}
		return err
	})
	return stored, err
}

// begunKey is the key that says that a shard's fence was made: a store that went
// back, or lost everything, never has it without the fence.
func (p *partition) begunKey(shard int) []byte {
	return p.keys.AppendBegunKey(nil, shard, p.assignment.topic, p.assignment.partition)
}

// ErrFenceGone is a fence that is missing while what was counted up to it is there.
var ErrFenceGone = errors.New("a fence alone is missing, not what was counted up to it, which would be counted twice: " +
	"restore the store, or delete all keys of the shard to have it counted again")

// mustBeLost refuses a fence that was deleted by itself.
func (p *partition) mustBeLost(ctx context.Context, found [][]byte) error {
	for i, b := range found {
		if b != nil {
			continue
		}
		keys := [][]byte{p.begunKey(i), p.keys.AppendFenceKey(nil, i, p.assignment.topic, p.assignment.partition)}
		var values [][]byte
		err := p.retry(ctx, operationLoad, i, func() (err error) {
			values, err = p.store.Load(ctx, i, keys, nil)
			return err
		})
		if err != nil {
			return err
		}
		if values[0] != nil && values[1] == nil {
			p.lost(1, 0, ErrFenceGone)
			return fmt.Errorf("shard %d, %s/%d: %w", i, p.assignment.topic, p.assignment.partition, ErrFenceGone)
		}
	}
	return nil
}

func (p *partition) readFences(ctx context.Context) (found [][]byte, missing int, err error) {
	found = make([][]byte, len(p.shards))
	for i := range found {
		keys := [][]byte{
			p.keys.AppendFenceKey(nil, i, p.assignment.topic, p.assignment.partition),
			p.keys.AppendSkippedKey(nil, i, p.assignment.topic, p.assignment.partition),
		}
		var values [][]byte
		err := p.retry(ctx, operationLoad, i, func() (err error) {
			values, err = p.store.Load(ctx, i, keys, nil)
			return err
		})
		if err != nil {
			return nil, 0, err
		}
		found[i] = values[0]
		if p.out, err = p.out.with(values[1]); err != nil {
			return nil, 0, fmt.Errorf("shard %d, %s/%d: %w", i, p.assignment.topic, p.assignment.partition, err)
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
func (p *partition) initialPosition(ctx context.Context, found [][]byte, missing int) (position, error) {
	start, end, err := p.source.Offsets(ctx, p.assignment.topic, p.assignment.partition)
	if err != nil {
		return position{}, err
	}
	begin := max(start, p.assignment.begin)
	untouched, made := p.untouched(found)
	switch {
	case begin > end:
		return position{}, fmt.Errorf("begin at offset %d: the log ends at %d: %w", begin, end, errShortLog)
	case missing == len(found) && !p.counted:
		return p.from(ctx, begin)
	case missing < len(found) && untouched:
		return made, nil
	}
	if p.refuseLost {
		p.lost(missing, begin, ErrStoreLost)
		return position{}, ErrStoreLost
	}
	p.lost(missing, begin, nil)
	return p.from(ctx, begin)
}

// lost says, once a loss, that the store has no fence where there was one, and what stands
// in the way of counting again.
func (p *partition) lost(missing int, begin int64, refused error) {
	if p.lossLogged {
		return
	}
	p.lossLogged = true
	p.metrics.lost()
	if refused != nil {
		p.log.Error("store lost fences: standing still", "topic", p.assignment.topic, "partition", p.assignment.partition, "missing", missing, "error", refused)
		return
	}
	p.log.Warn("store lost fences: counting again from where counting began",
		"topic", p.assignment.topic, "partition", p.assignment.partition, "missing", missing, "offset", begin)
}

// from is the mark of a partition of which nothing was counted, at an offset. If
// the log had more before it, the mark says since when counts are whole.
func (p *partition) from(ctx context.Context, offset int64) (position, error) {
	m := position{offset: offset, clock: noTime, newest: noTime, seen: noTime, pack: p.program.hash}
	if offset == 0 {
		return m, nil
	}
	least, err := int64(noTime), error(nil)
	if offset == p.assignment.begin && !p.counted {
		least = p.start.before(time.Now())
	}
	if m.since, err = p.wholeFrom(ctx, offset, least); err != nil {
		return position{}, err
	}
	where := []any{"topic", p.assignment.topic, "partition", p.assignment.partition, "offset", offset, "since", time.Unix(0, m.since).UTC()}
	if offset == p.assignment.begin {
		p.log.Info("counting begins within the log: counts that reach back before it say since when they are whole", where...)
	} else {
		p.log.Warn("the log's start is gone: counts that reach back before it say since when they are whole", where...)
	}
	return m, nil
}

// wholeFrom is the time from which on no event is missing if all records from an
// offset on are counted, ns: that of the first of them, and later by as much as an event may be ahead of its record. That may be
// an old one, of a producer who runs late: least, ms, is what is known besides of the records that are not counted, noTime if it is nothing.
// If there is no record, it is least, or now.
func (p *partition) wholeFrom(ctx context.Context, offset, least int64) (int64, error) {
	first, err := p.firstFrom(ctx, offset)
	if err != nil {
		return 0, err
	}
	if first = max(first, least); first == noTime {
		first = time.Now().UnixMilli()
	}
	return someSince(min(nanoseconds(first), never-1-int64(p.in.maxAhead)) + int64(p.in.maxAhead)), nil
}

// firstFrom is the Kafka timestamp of the first event from an offset on, ms; noTime: there is none. Of a record that is no event, or one
// of a time that is ahead of its timestamp, the timestamp means nothing: seconds for milliseconds would make a hole one of 1970.
func (p *partition) firstFrom(ctx context.Context, offset int64) (int64, error) {
	p.stream.SeekTo(offset)
	for {
		set, err := p.stream.Next(ctx)
		if gone, cut := errors.AsType[*fetch.OutOfRange](err); cut && gone.Start > offset {
			offset = gone.Start
			p.stream.SeekTo(offset)
			continue
		}
		if err != nil {
			return 0, err
		}
		more, err := set.Read(ctx, &p.record)
		for ; more && err == nil; more, err = set.Read(ctx, &p.record) {
			if p.counts() {
				return p.record.Timestamp, nil
			}
		}
		if err != nil {
			return 0, err
		}
		if next, end := set.Span(); next >= end {
			return noTime, nil
		}
	}
}

// counts says whether p.record is an event that counts for the clock, and reads it.
func (p *partition) counts() bool {
	return p.decode(&p.record) == nil && !p.in.tooNew(nanoseconds(p.record.Timestamp))
}

// untouched says whether the fences found are as they were made: somebody
// stopped between making them.
func (p *partition) untouched(found [][]byte) (bool, position) {
	var made position
	any := false
	for _, b := range found {
		if b == nil {
			continue
		}
		m, err := parseFence(b)
		if err != nil || m.clock != noTime || any && m.offset != made.offset {
			return false, position{}
		}
		made, any = m, true
	}
	return any, made
}

// rebuildDedupe makes the memory of ids what it is at a mark, by reading the log of one window before it, or of
// what came since it was last up to date: another owner has counted that. A place that was decided before needs nothing.
func (p *partition) rebuildDedupe(ctx context.Context, at position) error {
	if p.decidedTo >= 0 && at.offset >= p.knownFrom && at.offset <= p.decidedTo {
		return nil
	}
	clock, err := p.clockAt(ctx, at)
	if err != nil {
		return err
	}
	from := at.offset
	if clock != noTime {
		if from, err = p.source.OffsetAt(ctx, p.assignment.topic, p.assignment.partition, clock-p.in.ids.window); err != nil {
			return err
		}
	}
	if from <= p.decidedTo && p.decidedTo <= at.offset {
		from = p.decidedTo
	} else {
		p.in.ids.reset()
	}
	p.decidedTo = -1 // until all is read: what fails is tried again from the start of the window
	if err := p.readIDs(ctx, from, at.offset); err != nil {
		return err
	}
	p.decidedTo, p.knownFrom, p.repeats = at.offset, at.offset, p.repeats[:0]
	return nil
}

// clockAt is a time that the partition's clock has reached with the first record behind a mark at the latest, ms; noTime: nothing
// is before it. Where nothing was counted yet the ids of what stands before are known all the same: a restart would know them.
func (p *partition) clockAt(ctx context.Context, at position) (int64, error) {
	if at.clock != noTime || at.offset == 0 {
		return at.clock, nil
	}
	first, err := p.firstFrom(ctx, at.offset)
	if first == noTime {
		first = time.Now().UnixMilli() - p.in.ids.window // the one to come may be some time under way
	}
	return first, err
}

// readIDs notes the ids of the records in [from, to), without counting them.
func (p *partition) readIDs(ctx context.Context, from, to int64) error {
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
			more, err := set.Read(ctx, &p.record)
			if err != nil {
				return err
			}
			if !more || p.record.Offset >= to {
				break
			}
			p.note()
		}
		next, end := set.Span()
		p.pulse.beat()
		if next <= from && end < to {
			return fmt.Errorf("read back from offset %d: the log ends at %d, what was counted at %d: %w", from, end, to, errShortLog)
		}
		from = next
	}
	return nil
}

// errShortLog: with another log behind its place nothing that was counted can be trusted.
var errShortLog = errors.New("the topic was cut or made anew; its counts cannot be trusted: use a new group and an empty store")

// note notes the id of p.record, if it is an event that counts for the clock.
func (p *partition) note() {
	if p.counts() {
		p.in.repeated(p.record.Timestamp)
	}
}
