package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// recount reads the log again and applies it, with the code of the service, to
// shards over a store in memory. Each shard is taken exactly as far as is asked
// for. It belongs to one goroutine, and publishes nothing.
type recount struct {
	source     source
	store      *windowstore.Mem
	partitions []*recountPartition
	shards     []*shard
	in         []chan message   // what partitions send
	waiting    [][]waitingChunk // by shard: read, and not yet asked for
	fed        map[uint64]feeders
	taken      int64 // records
}

// waitingChunk is a run that was read and not applied, or what is left of one.
type waitingChunk struct {
	place int // of the partition
	run   *chunk
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

// recountPartition is a partition that is read again.
type recountPartition struct {
	*partition
	set     recordSet // nil: to be fetched
	peeked  bool      // partition.record is the next one, not taken yet
	from    int64     // the offset it is read from
	whole   int64     // from when on nothing is missing that was passed over, ns; noTime: always
	first   int64     // Kafka timestamp of the first record that moved the clock, ms; noTime: none yet
	reached int64     // how far the stream's time may have got in a silence of it, ns; noTime: nowhere
}

// newRecount reads partitions from the given offsets on, without the stretches given.
func newRecount(o *VerifyOptions, secret Secret, topics []topicPartition, from []int64, out []stretches, log retrier) *recount {
	r := &recount{
		source: o.Source, store: windowstore.NewMem(o.Shards), waiting: make([][]waitingChunk, o.Shards), fed: map[uint64]feeders{},
	}
	quiet := newAlignment(len(topics), o.Shards, 0, func() {})
	so := &shardOptions{
		program: o.Program, store: r.store, keys: r.store.Keys(), secret: secret, partitions: topics,
		outboxMax: outboxMost, maxAge: time.Hour, cacheBytes: DefaultCacheBytes / o.Shards, keptMax: keptOperations,
		hooks: realHooks(), committed: func(int) {}, alignment: quiet,
		retrier: newRetrier(NewMetrics(prometheus.NewRegistry(), o.Program), log.log), before: r.note,
	}
	for n := range o.Shards {
		s := newShard(n, so)
		s.apply.emit = emitNothing
		r.shards = append(r.shards, s)
		r.in = append(r.in, make(chan message, shardQueue))
	}
	po := &partitionOptions{
		program: o.Program, secret: secret, intake: o.Intake, source: o.Source, store: r.store, keys: r.store.Keys(),
		shards: r.in, alignment: quiet, retrier: so.retrier, holes: newHoles(), dedupe: newDedupeCache(), chunkOps: chunkOps, surplus: &retry.Throttle{},
	}
	for i, t := range topics {
		p := newPartition(po, newAssignment(t.topic, t.partition, i, o.Shards))
		p.out = out[i]
		r.open(p, from[i])
	}
	return r
}

func (r *recount) open(p *partition, from int64) {
	p.stream = p.open(from)
	p.next, p.clock, p.in.newest, p.lettersSafeTo = from, noTime, noTime, never
	p.seen, p.bound = noTime, noTime
	start := position{offset: from, clock: noTime, newest: noTime, seen: noTime, pack: p.program.hash}
	for i, s := range r.shards {
		p.sent[i] = from
		s.begin(p.assignment, nil, start)
	}
	r.partitions = append(r.partitions, &recountPartition{partition: p, from: from, first: noTime, reached: noTime, whole: noTime})
}

func (r *recount) close() {
	for _, p := range r.partitions {
		p.stream.Close()
	}
}

// progress is how many offsets of the log were read, of those up to the given ones.
func (r *recount) progress(to []int64) (done, all int64) {
	for i, p := range r.partitions {
		done += p.next - p.from
		all += max(to[i], p.next) - p.from
	}
	return done, all
}

// read reads every partition up to an offset, the older records first, by
// their Kafka timestamps: about as they came. piece is called between any two pieces.
func (r *recount) read(ctx context.Context, to []int64, piece func() error) error {
	for {
		p, until, err := r.oldest(ctx, to)
		if err != nil || p == nil {
			return err
		}
		if err := r.feed(ctx, p, to[p.assignment.index], until); err != nil {
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

// oldest is the partition whose next record is the oldest, and the timestamp up
// to which it may be read; nil if there is none below the offsets.
func (r *recount) oldest(ctx context.Context, to []int64) (oldest *recountPartition, until int64, err error) {
	until = never
	for i, p := range r.partitions {
		more, err := p.peek(ctx, to[i])
		switch {
		case err != nil:
			return nil, 0, fmt.Errorf("read %s/%d: %w", p.assignment.topic, p.assignment.partition, err)
		case !more:
		case oldest == nil:
			oldest = p
		case p.record.Timestamp < oldest.record.Timestamp:
			oldest, until = p, min(until, oldest.record.Timestamp)
		default:
			until = min(until, p.record.Timestamp)
		}
	}
	return oldest, min(until, never-recountTogether) + recountTogether, nil
}

// peek puts the next record into p.record; false if there is none before an offset.
func (p *recountPartition) peek(ctx context.Context, to int64) (bool, error) {
	for !p.peeked && p.next < to {
		if p.set == nil {
			set, err := p.fetched(ctx)
			if err != nil {
				return false, err
			}
			p.set = set
		}
		more, err := p.set.Read(ctx, &p.record)
		if err != nil {
			return false, err
		}
		if p.peeked = more; more {
			break
		}
		next, _ := p.set.Span()
		if next <= p.next {
			if err := p.mustHold(ctx, to); err != nil {
				return false, err
			}
		}
		p.next, p.set = max(p.next, next), nil
	}
	return p.peeked && p.record.Offset < to, nil
}

// fetched is the next set. What fails is tried again for a while.
func (p *recountPartition) fetched(ctx context.Context) (set recordSet, err error) {
	for range recountTries {
		if set, err = p.stream.Next(ctx); err == nil || ctx.Err() != nil {
			return set, err
		}
		if over, ok := errors.AsType[*passedOver](err); ok {
			if p.whole, err = p.wholeFrom(ctx, over.gone.Start, noTime); err != nil {
				return nil, err
			}
			p.next = over.gone.Start
			p.stream.SeekTo(p.next)
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
func (p *recountPartition) mustHold(ctx context.Context, to int64) error {
	_, end, err := p.source.Offsets(ctx, p.assignment.topic, p.assignment.partition)
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
func (r *recount) feed(ctx context.Context, p *recountPartition, to, until int64) error {
	p.assignment.pool.refill()
	for range recountMost {
		more, err := p.peek(ctx, to)
		if err != nil {
			return fmt.Errorf("read %s/%d: %w", p.assignment.topic, p.assignment.partition, err)
		}
		if !more || p.record.Timestamp > until {
			break
		}
		r.takeMessages(p)
		if err := p.take(ctx); err != nil {
			return err
		}
		if p.first == noTime {
			p.first = p.clock // if this record moved it: the timestamp of another one means nothing
		}
		p.peeked = false
		r.taken++
	}
	p.marked = time.Time{} // so that every shard gets a mark
	if err := p.flush(ctx, time.Now()); err != nil {
		return err
	}
	r.collect(p)
	return nil
}

// takeMessages notes a silence before a record: the stream's time may have gone on without
// the partition, up to the newest time of any other.
func (r *recount) takeMessages(p *recountPartition) {
	at := p.record.Timestamp
	if p.clock == noTime || at-p.clock < silence.Milliseconds()-10_000 {
		return
	}
	for _, other := range r.partitions {
		if t := other.in.newest; t != noTime {
			p.reached = max(p.reached, t+int64(time.Minute))
		}
	}
}

// collect takes what p sent to the shards.
func (r *recount) collect(p *recountPartition) {
	for n, in := range r.in {
		for len(in) > 0 {
			m := <-in
			if r.shards[n] != nil {
				r.waiting[n] = append(r.waiting[n], waitingChunk{p.assignment.index, m.chunk})
			}
		}
	}
}

// apply takes a shard to where the marks are, by partition, as far as the log
// was read; what lies behind waits.
func (r *recount) apply(ctx context.Context, n int, to []position) error {
	s, kept := r.shards[n], r.waiting[n][:0]
	for _, x := range r.waiting[n] {
		p := r.partitions[x.place]
		head := x.run.before(to[x.place])
		if head != x.run {
			kept = append(kept, x)
		}
		if head == nil {
			continue
		}
		if err := s.take(ctx, p.assignment, head); err != nil {
			return err
		}
		if head == x.run && !p.assignment.pool.whole() {
			p.assignment.pool.put(head)
		}
	}
	clear(r.waiting[n][len(kept):])
	r.waiting[n] = kept
	return nil
}

// note is told every operation before it is applied. It keeps by which
// partition each subject is fed, and whether the stream's time may have mattered.
func (r *recount) note(s *shard, e *entry, o *chunkOp) {
	k, place := xxhash.Sum64String(e.name), feeders(o.partition)
	switch was, fed := r.fed[k]; {
	case !fed:
		r.fed[k] = place
	case was < 0:
		return
	case was != place:
		r.fed[k] = fedBySeveral
		return
	}
	if len(r.partitions) > 1 && r.mayHaveCleared(s, e, o) {
		r.fed[k] = fedUnsure
	}
}

// mayHaveCleared says whether an episode of e has its clear due after the time
// of o, but no later than where the stream's time may have been when o came: that is not
// beyond the newest time of its own partition, unless that was silent.
func (r *recount) mayHaveCleared(s *shard, e *entry, o *chunkOp) bool {
	low, high := o.time, max(o.newest, r.partitions[o.partition].reached)
	if t, ok := e.Time(); ok {
		low = max(low, t)
	}
	if high <= low || e.due > high {
		return false
	}
	e.due = s.apply.firstClears(&e.subject)
	return low < e.due && e.due <= high
}

// forget drops a shard that was compared.
func (r *recount) forget(n int) {
	r.waiting[n], r.shards[n] = nil, nil
}
