package partition

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watchdog"
)

// lookback reads the log of a partition where it does not count. It looks for the ids of what was
// counted before, and for the time since when nothing is missing. It leaves the stream anywhere.
type lookback struct {
	source     fetch.Source
	assignment *shard.Assignment
	stream     fetch.Reader   // nil: not opened yet
	passedOver Stretches      // of the log, once
	record     records.Record // the one last read here
	decide     *decider
	pulse      *watchdog.Pulse
}

// open begins to read at an offset, without what was passed over.
func (k *lookback) open(offset int64) {
	k.stream = &passing{Reader: k.source.Open(k.assignment.Topic, k.assignment.Partition, offset), out: &k.passedOver, at: offset}
}

// wholeFrom is the time from which on no event is missing if all records from an
// offset on are counted, ns. It is that of the first of them, and later by as much as an event may be ahead of its record.
// The first may be an old one, of a producer who runs late: least, ms, is what is known besides of the records that are not
// counted; NoTime: nothing. If there is no record, it is least, or now.
func (k *lookback) wholeFrom(ctx context.Context, offset, least int64) (int64, error) {
	first, err := k.firstFrom(ctx, offset)
	if err != nil {
		return 0, err
	}
	if first = max(first, least); first == engine.NoTime {
		first = time.Now().UnixMilli()
	}
	ahead := int64(k.decide.in.MaxAhead)
	return position.SinceTime(min(engine.Nanoseconds(first), engine.Never-1-ahead) + ahead), nil
}

// firstFrom is the Kafka timestamp of the first event from an offset on, ms; NoTime: there is none. The timestamp means nothing
// if the record is no event, or if the event's time is ahead of it: seconds for milliseconds would make a hole one of 1970.
func (k *lookback) firstFrom(ctx context.Context, offset int64) (int64, error) {
	k.stream.SeekTo(offset)
	for {
		set, err := k.stream.Next(ctx)
		if gone, cut := errors.AsType[*fetch.OutOfRange](err); cut && gone.Start > offset {
			offset = gone.Start
			k.stream.SeekTo(offset)
			continue
		}
		if err != nil {
			return 0, err
		}
		more, err := set.Read(ctx, &k.record)
		for ; more && err == nil; more, err = set.Read(ctx, &k.record) {
			if k.decide.counts(&k.record) {
				return k.record.Timestamp, nil
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

// rebuildDedupe makes the memory of ids what it is at a position. It reads the log of one window before it, or only
// what came since the memory was last up to date: another owner has counted that. A place that was decided before needs nothing.
func (k *lookback) rebuildDedupe(ctx context.Context, at position.Position) error {
	d := k.decide
	if d.decided(at.Offset) {
		return nil
	}
	clock, err := k.clockAt(ctx, at)
	if err != nil {
		return err
	}
	from := at.Offset
	if clock != engine.NoTime {
		if from, err = k.source.OffsetAt(ctx, k.assignment.Topic, k.assignment.Partition, clock-d.in.IDs.Window); err != nil {
			return err
		}
	}
	if from <= d.decidedTo && d.decidedTo <= at.Offset {
		from = d.decidedTo
	} else {
		d.in.IDs.Reset()
	}
	d.decidedTo = -1 // until all is read: what fails is tried again from the start of the window
	if err := k.readIDs(ctx, from, at.Offset); err != nil {
		return err
	}
	d.decidedTo, d.knownFrom, d.repeats = at.Offset, at.Offset, d.repeats[:0]
	return nil
}

// clockAt is a time that the partition's clock has reached with the first record after a position at the latest, ms; NoTime:
// nothing is before it. Where nothing was counted yet the ids of what stands before are known all the same: a restart
// would know them.
func (k *lookback) clockAt(ctx context.Context, at position.Position) (int64, error) {
	if at.Clock != engine.NoTime || at.Offset == 0 {
		return at.Clock, nil
	}
	first, err := k.firstFrom(ctx, at.Offset)
	if first == engine.NoTime {
		first = time.Now().UnixMilli() - k.decide.in.IDs.Window // the one to come may be some time under way
	}
	return first, err
}

// readIDs notes the ids of the records in [from, to), without counting them.
func (k *lookback) readIDs(ctx context.Context, from, to int64) error {
	k.stream.SeekTo(from)
	for from < to {
		set, err := k.stream.Next(ctx)
		var gone *fetch.OutOfRange
		if errors.As(err, &gone) && gone.Start > from {
			from = gone.Start
			k.stream.SeekTo(from)
			continue
		}
		if err != nil {
			return err
		}
		for {
			more, err := set.Read(ctx, &k.record)
			if err != nil {
				return err
			}
			if !more || k.record.Offset >= to {
				break
			}
			k.decide.note(&k.record)
		}
		next, end := set.Span()
		k.pulse.Beat()
		if next <= from && end < to {
			return fmt.Errorf("read back from offset %d: the log ends at %d, what was counted at %d: %w", from, end, to, errShortLog)
		}
		from = next
	}
	return nil
}

// errShortLog: with another log after its place nothing that was counted can be trusted.
var errShortLog = errors.New("the topic was cut or made anew; its counts cannot be trusted: use a new group and an empty store")
