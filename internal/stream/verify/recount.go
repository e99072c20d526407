package verify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watermark"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Recount reads the log again and applies it, with the code of the service, to
// shards over a store in memory. Each shard is taken exactly as far as is asked
// for. It belongs to one goroutine, and publishes nothing.
type Recount struct {
	source     fetch.Source
	store      *windowstore.Mem
	Partitions []*RecountedPartition
	shards     []*shard.Shard
	in         []chan shard.Message // what partitions send
	waiting    [][]waitingChunk     // by shard: read, and not yet asked for
	fed        map[uint64]feeders
	taken      int64 // records
}

// waitingChunk is a run that was read and not applied, or what is left of one.
type waitingChunk struct {
	place int // of the partition
	run   *shard.Chunk
}

// feeders says where a subject's events came from: the one partition, or a reason
// why the order in which they were applied is not known.
type feeders int32

const (
	fedBySeveral feeders = -1 - iota
	// fedUnsure: by one partition, but an event came so late that an episode may have been ended
	// before it, or not, depending on how far the other partitions were.
	fedUnsure
)

// RecountedPartition is a partition that is read again.
type RecountedPartition struct {
	*partition.Partition
	set     fetch.RecordSet // nil: to be fetched
	Peeked  bool            // partition.record is the next one, not taken yet
	from    int64           // the offset it is read from
	whole   int64           // from when on nothing is missing that was passed over, ns; noTime: always
	First   int64           // Kafka timestamp of the first record that moved the clock, ms; noTime: none yet
	reached int64           // how far the stream's time may have got in a silence of it, ns; noTime: nowhere
}

// NewRecount reads partitions from the given offsets on, without the stretches given.
func NewRecount(o *Options, secret engine.Secret, topics []position.TopicPartition, from []int64, out []partition.Stretches, log metrics.Retrier) *Recount {
	r := &Recount{
		source: o.Source, store: windowstore.NewMem(o.Shards), waiting: make([][]waitingChunk, o.Shards), fed: map[uint64]feeders{},
	}
	quiet := watermark.NewAlignment(len(topics), o.Shards, 0, func() {})
	so := shard.NewOptions(o.Program, r.store, o.Shards, topics, quiet, metrics.NewRetrier(metrics.New(prometheus.NewRegistry(), o.Program), log.Log))
	so.Secret, so.MaxAge, so.OnApply = secret, time.Hour, r.note
	for n := range o.Shards {
		s := shard.New(n, so)
		s.Apply.Emit = emitNothing
		r.shards = append(r.shards, s)
		r.in = append(r.in, make(chan shard.Message, shard.Queue))
	}
	po := &partition.Options{
		Program: o.Program, Secret: secret, Intake: o.Intake, Source: o.Source, Store: r.store, Keys: r.store.Keys(),
		Shards: r.in, Alignment: quiet, Retrier: so.Retrier, Holes: partition.NewHoles(), Dedupe: partition.NewDedupeCache(), ChunkOps: shard.ChunkOps, Surplus: &retry.Throttle{},
	}
	for i, t := range topics {
		p := partition.New(po, shard.NewAssignment(t.Topic, t.Partition, i, o.Shards))
		p.Out = out[i]
		r.open(p, from[i])
	}
	return r
}

func (r *Recount) open(p *partition.Partition, from int64) {
	p.Stream = p.Open(from)
	p.Next, p.Clock, p.In.Newest, p.LettersSafeTo = from, engine.NoTime, engine.NoTime, engine.Never
	p.Seen, p.Bound = engine.NoTime, engine.NoTime
	start := position.Position{Offset: from, Clock: engine.NoTime, Newest: engine.NoTime, Seen: engine.NoTime, Pack: p.Program.Hash}
	for i, s := range r.shards {
		p.Sent[i] = from
		s.Begin(p.Assignment, nil, start)
	}
	r.Partitions = append(r.Partitions, &RecountedPartition{Partition: p, from: from, First: engine.NoTime, reached: engine.NoTime, whole: engine.NoTime})
}

func (r *Recount) close() {
	for _, p := range r.Partitions {
		p.Stream.Close()
	}
}

// progress is how many offsets of the log were read, of those up to the given ones.
func (r *Recount) progress(to []int64) (done, all int64) {
	for i, p := range r.Partitions {
		done += p.Next - p.from
		all += max(to[i], p.Next) - p.from
	}
	return done, all
}

// Read reads every partition up to an offset, the older records first, by
// their Kafka timestamps: about as they came. piece is called between any two pieces.
func (r *Recount) Read(ctx context.Context, to []int64, piece func() error) error {
	for {
		p, until, err := r.Oldest(ctx, to)
		if err != nil || p == nil {
			return err
		}
		if err := r.feed(ctx, p, to[p.Assignment.Index], until); err != nil {
			return err
		}
		if err := piece(); err != nil {
			return err
		}
	}
}

// recountTogether is how much of a partition, in ms of Kafka timestamps, is read before one that comes next.
const recountTogether = 1_000

// recountMost is how many records of a partition are read at once.
const recountMost = 1_000

// Oldest is the partition whose next record is the oldest, and the timestamp up
// to which it may be read; nil if there is none below the offsets.
func (r *Recount) Oldest(ctx context.Context, to []int64) (oldest *RecountedPartition, until int64, err error) {
	until = engine.Never
	for i, p := range r.Partitions {
		more, err := p.peek(ctx, to[i])
		switch {
		case err != nil:
			return nil, 0, fmt.Errorf("read %s/%d: %w", p.Assignment.Topic, p.Assignment.Partition, err)
		case !more:
		case oldest == nil:
			oldest = p
		case p.Record.Timestamp < oldest.Record.Timestamp:
			oldest, until = p, min(until, oldest.Record.Timestamp)
		default:
			until = min(until, p.Record.Timestamp)
		}
	}
	return oldest, min(until, engine.Never-recountTogether) + recountTogether, nil
}

// peek puts the next record into p.record; false if there is none before an offset.
func (p *RecountedPartition) peek(ctx context.Context, to int64) (bool, error) {
	for !p.Peeked && p.Next < to {
		if p.set == nil {
			set, err := p.fetched(ctx)
			if err != nil {
				return false, err
			}
			p.set = set
		}
		more, err := p.set.Read(ctx, &p.Record)
		if err != nil {
			return false, err
		}
		if p.Peeked = more; more {
			break
		}
		next, _ := p.set.Span()
		if next <= p.Next {
			if err := p.mustHold(ctx, to); err != nil {
				return false, err
			}
		}
		p.Next, p.set = max(p.Next, next), nil
	}
	return p.Peeked && p.Record.Offset < to, nil
}

// fetched is the next set. What fails is tried again for a while.
func (p *RecountedPartition) fetched(ctx context.Context) (set fetch.RecordSet, err error) {
	for range recountTries {
		if set, err = p.Stream.Next(ctx); err == nil || ctx.Err() != nil {
			return set, err
		}
		if over, ok := errors.AsType[*partition.PassedOver](err); ok {
			if p.whole, err = p.WholeFrom(ctx, over.Gone.Start, engine.NoTime); err != nil {
				return nil, err
			}
			p.Next = over.Gone.Start
			p.Stream.SeekTo(p.Next)
			continue
		}
		if _, gone := errors.AsType[*fetch.OutOfRange](err); gone {
			return nil, fmt.Errorf("the log was cut while it was read: %w", err)
		}
		retry.Wait(ctx, 200*time.Millisecond)
	}
	return nil, err
}

const recountTries = 100

// mustHold looks whether a log of which nothing came reaches to an offset at all.
func (p *RecountedPartition) mustHold(ctx context.Context, to int64) error {
	_, end, err := p.Source.Offsets(ctx, p.Assignment.Topic, p.Assignment.Partition)
	if err != nil {
		return err
	}
	if end < to {
		return fmt.Errorf("the store has counted up to offset %d, the log ends at %d: the topic was cut or made anew", to, end)
	}
	return nil
}

// feed takes records of p up to an offset and a timestamp, and hands what they
// have for the shards on.
func (r *Recount) feed(ctx context.Context, p *RecountedPartition, to, until int64) error {
	p.Assignment.Pool.Refill()
	for range recountMost {
		more, err := p.peek(ctx, to)
		if err != nil {
			return fmt.Errorf("read %s/%d: %w", p.Assignment.Topic, p.Assignment.Partition, err)
		}
		if !more || p.Record.Timestamp > until {
			break
		}
		r.takeMessages(p)
		if err := p.Take(ctx); err != nil {
			return err
		}
		if p.First == engine.NoTime {
			p.First = p.Clock // if this record moved it: the timestamp of another one means nothing
		}
		p.Peeked = false
		r.taken++
	}
	p.Marked = time.Time{} // so that every shard gets a mark
	if err := p.Flush(ctx, time.Now()); err != nil {
		return err
	}
	r.collect(p)
	return nil
}

// takeMessages notes a silence before a record: the stream's time may have gone on without
// the partition, up to the newest time of any other.
func (r *Recount) takeMessages(p *RecountedPartition) {
	at := p.Record.Timestamp
	if p.Clock == engine.NoTime || at-p.Clock < partition.Silence.Milliseconds()-10_000 {
		return
	}
	for _, other := range r.Partitions {
		if t := other.In.Newest; t != engine.NoTime {
			p.reached = max(p.reached, t+int64(time.Minute))
		}
	}
}

// collect takes what p sent to the shards.
func (r *Recount) collect(p *RecountedPartition) {
	for n, in := range r.in {
		for len(in) > 0 {
			m := <-in
			if r.shards[n] != nil {
				r.waiting[n] = append(r.waiting[n], waitingChunk{p.Assignment.Index, m.Chunk})
			}
		}
	}
}

// apply takes a shard to where the marks are, by partition, as far as the log
// was read; what lies behind waits.
func (r *Recount) apply(ctx context.Context, n int, to []position.Position) error {
	s, kept := r.shards[n], r.waiting[n][:0]
	for _, x := range r.waiting[n] {
		p := r.Partitions[x.place]
		head := x.run.Before(to[x.place])
		if head != x.run {
			kept = append(kept, x)
		}
		if head == nil {
			continue
		}
		if err := s.Take(ctx, p.Assignment, head); err != nil {
			return err
		}
		if head == x.run && !p.Assignment.Pool.Whole() {
			p.Assignment.Pool.Put(head)
		}
	}
	clear(r.waiting[n][len(kept):])
	r.waiting[n] = kept
	return nil
}

// note is told every operation before it is applied. It keeps by which
// partition each subject is fed, and whether the stream's time may have mattered.
func (r *Recount) note(s *shard.Shard, e *shard.Entry, o *shard.ChunkOp) {
	k, place := xxhash.Sum64String(e.Name), feeders(o.Partition)
	switch was, fed := r.fed[k]; {
	case !fed:
		r.fed[k] = place
	case was < 0:
		return
	case was != place:
		r.fed[k] = fedBySeveral
		return
	}
	if len(r.Partitions) > 1 && r.mayHaveCleared(s, e, o) {
		r.fed[k] = fedUnsure
	}
}

// mayHaveCleared says whether an episode of e has its clear due after the time
// of o, but no later than where the stream's time may have been when o came: that is not
// beyond the newest time of its own partition, unless that was silent.
func (r *Recount) mayHaveCleared(s *shard.Shard, e *shard.Entry, o *shard.ChunkOp) bool {
	low, high := o.Time, max(o.Newest, r.Partitions[o.Partition].reached)
	if t, ok := e.Time(); ok {
		low = max(low, t)
	}
	if high <= low || e.Due > high {
		return false
	}
	e.Due = s.Apply.FirstClears(&e.Subject)
	return low < e.Due && e.Due <= high
}

// forget drops a shard that was compared.
func (r *Recount) forget(n int) {
	r.waiting[n], r.shards[n] = nil, nil
}
