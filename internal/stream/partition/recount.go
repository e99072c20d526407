package partition

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
)

// Recounting reads a partition once more, for verify. It decides and sends as a Partition does, but it has no fences, it writes
// no dead letters, and it reads only as far as it is told. It belongs to one goroutine.
type Recounting struct {
	p      *Partition
	from   int64           // the offset it is read from
	set    fetch.RecordSet // nil: to be fetched
	record records.Record  // the one last read
	peeked bool            // it is the next one, not taken yet
	whole  int64           // from when on nothing is missing that was passed over, ns; NoTime: always
	first  int64           // Kafka timestamp of the first record that moved the clock, ms; NoTime: none yet

	accepted  func(offset, clock int64, e *event.Event) // see OnEvent; nil: nobody wants to know
	otherwise []*Otherwise                              // how they were taken in before
}

// Recount begins to read a partition again at an offset, without the stretches that were passed over.
func (s *Shared) Recount(l *shard.Assignment, from int64, passedOver Stretches) *Recounting {
	x := &Recounting{p: s.New(l), from: from, first: engine.NoTime, whole: engine.NoTime}
	x.p.log.passedOver = passedOver
	x.p.log.open(from)
	x.p.letters.safeTo = engine.Never
	x.p.rewind(x.Start())
	return x
}

// Start is the position at which the shards are to begin.
func (x *Recounting) Start() position.Position {
	return position.Position{Offset: x.from, Clock: engine.NoTime, Newest: engine.NoTime, Seen: engine.NoTime, Pack: x.p.Program.Hash}
}

// Assignment is the partition's.
func (x *Recounting) Assignment() *shard.Assignment { return x.p.Assignment }

// From is the offset from which it is read.
func (x *Recounting) From() int64 { return x.from }

// Next is the offset after the last record that was taken.
func (x *Recounting) Next() int64 { return x.p.next }

// Newest is the newest time that matched, ns; NoTime: none.
func (x *Recounting) Newest() int64 { return x.p.decide.in.Newest }

// Shortened reports whether ids were forgotten early, since there were more than dedupe.max_ids.
func (x *Recounting) Shortened() bool { return x.p.decide.in.IDs.Shortened > 0 }

// Close ends the reading.
func (x *Recounting) Close() { x.p.log.stream.Close() }

// Peek is the Kafka timestamp of the next record, ms; false if there is none before an offset.
func (x *Recounting) Peek(ctx context.Context, to int64) (timestamp int64, ok bool, err error) {
	for !x.peeked && x.p.next < to {
		if x.set == nil {
			set, err := x.fetched(ctx)
			if err != nil {
				return 0, false, err
			}
			x.set = set
		}
		if x.peeked, err = x.set.Read(ctx, &x.record); err != nil {
			return 0, false, err
		}
		if x.peeked {
			break
		}
		next, _ := x.set.Span()
		if next <= x.p.next {
			if err := x.mustHold(ctx, to); err != nil {
				return 0, false, err
			}
		}
		x.p.next, x.set = max(x.p.next, next), nil
	}
	return x.record.Timestamp, x.peeked && x.record.Offset < to, nil
}

// fetchTries and fetchPause are how often the next set is asked for, and how long it waits between.
const (
	fetchTries = 100
	fetchPause = 200 * time.Millisecond
)

// fetched is the next set. What fails is tried again for a while.
func (x *Recounting) fetched(ctx context.Context) (set fetch.RecordSet, err error) {
	p, log := x.p, &x.p.log
	for range fetchTries {
		if set, err = log.stream.Next(ctx); err == nil || ctx.Err() != nil {
			return set, err
		}
		if over, ok := errors.AsType[*passedOver](err); ok {
			if x.whole, err = log.wholeFrom(ctx, over.gone.Start, engine.NoTime); err != nil {
				return nil, err
			}
			p.next = over.gone.Start
			log.stream.SeekTo(p.next)
			continue
		}
		if _, gone := errors.AsType[*fetch.OutOfRange](err); gone {
			return nil, fmt.Errorf("the log was cut while it was read: %w", err)
		}
		retry.Wait(ctx, fetchPause)
	}
	return nil, err
}

// mustHold looks whether a log from which nothing came reaches to an offset at all.
func (x *Recounting) mustHold(ctx context.Context, to int64) error {
	_, end, err := x.p.Source.Offsets(ctx, x.p.Assignment.Topic, x.p.Assignment.Partition)
	if err != nil {
		return err
	}
	if end < to {
		return fmt.Errorf("the store has counted up to offset %d, the log ends at %d: the topic was cut or made anew", to, end)
	}
	return nil
}

// Silent reports whether the partition may have counted as silent before the record that was peeked at.
func (x *Recounting) Silent() bool {
	return x.p.decide.clock != engine.NoTime && x.record.Timestamp-x.p.decide.clock >= (Silence-10*time.Second).Milliseconds()
}

// Take takes the record that was peeked at.
func (x *Recounting) Take(ctx context.Context) error {
	if err := x.p.take(ctx, &x.record); err != nil {
		return err
	}
	if x.accepted != nil && x.record.Fault == nil && x.p.decide.accepted {
		x.accepted(x.record.Offset, x.p.decide.clock, &x.p.decide.in.Event)
	}
	for _, w := range x.otherwise {
		w.look(&x.record)
	}
	if x.first == engine.NoTime {
		x.first = x.p.decide.clock // if this record moved it: the timestamp of another one means nothing
	}
	x.peeked = false
	return nil
}

// OnEvent has f called with each event that is no repeat, whether a rule counts it or not: its offset, and the partition's clock, ms.
func (x *Recounting) OnEvent(f func(offset, clock int64, e *event.Event)) { x.accepted = f }

// Flush sends what was taken, and tells every shard how far the partition is.
func (x *Recounting) Flush(ctx context.Context) error {
	x.p.out.marked = time.Time{}
	return x.p.flush(ctx, time.Now())
}

// CompleteFrom is the time from which on no event is missing in what was read, ns; NoTime: none is missing at all. The
// clock is the partition's where the count ends, ms, for a log of which nothing was read: it is all older than that.
func (x *Recounting) CompleteFrom(clock int64) int64 {
	if x.from == 0 || clock == engine.NoTime {
		return x.whole
	}
	first := x.first
	if first == engine.NoTime {
		first = clock
	}
	return max(x.whole, engine.Nanoseconds(first)+int64(x.p.decide.in.MaxAhead))
}
