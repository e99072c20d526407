package verify

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watermark"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// recount reads the log again and applies it, with the code of the service, to
// shards over a store in memory. Each shard is taken exactly as far as is asked
// for. It belongs to one goroutine, and publishes nothing.
type recount struct {
	source     fetch.Source
	store      *windowstore.Mem
	partitions []*recounted
	shards     []*shard.Shard
	in         []chan shard.Message // what partitions send
	waiting    [][]waitingChunk     // by shard: read, and not yet asked for
	fed        map[uint64]feeders
	eras       *eras               // nil: the rules never changed
	decided    map[uint64]*decided // subjects that other rules decided too
	taken      int64               // records
}

// waitingChunk is a chunk that was read and not applied, or what is left of one.
type waitingChunk struct {
	partition int // its index
	chunk     *shard.Chunk
}

// feeders says where a subject's events came from: the one partition, or a reason
// why the order in which they were applied is not known.
type feeders int32

const (
	fedBySeveral feeders = -1 - iota
	// fedUnsure: by one partition, but an event came late. An episode may have been ended before
	// it, or not: that depends on how far the other partitions were.
	fedUnsure
)

// recounted is a partition that is read again.
type recounted struct {
	*partition.Recounting
	reached int64 // how far the stream's time may have got in a silence of it, ns; NoTime: nowhere
}

// recountOptions is what is counted again, and how.
type recountOptions struct {
	program *engine.Program
	intake  engine.IntakeOptions
	source  fetch.Source
	secret  engine.Secret
	shards  int
	topics  []position.TopicPartition
	from    []int64               // offset of each
	out     []partition.Stretches // of each, that were passed over
	eras    *eras                 // nil: the rules never changed
	log     *slog.Logger
}

// newRecount reads partitions from the given offsets on, without the stretches given.
func newRecount(o *recountOptions) *recount {
	r := &recount{
		source: o.source, store: windowstore.NewMem(o.shards), waiting: make([][]waitingChunk, o.shards), fed: map[uint64]feeders{},
		eras: o.eras, decided: map[uint64]*decided{},
	}
	quiet := watermark.NewAlignment(len(o.topics), o.shards, 0, func() {})
	m := metrics.New(prometheus.NewRegistry(), o.program)
	patient := metrics.NewRetrier(m, o.log)
	so := shard.NewOptions(o.program, r.store, o.topics, quiet, patient, m.Shards)
	so.Secret, so.MaxAge, so.OnApply, so.Silent, so.CacheBytes = o.secret, time.Hour, r.note, true, shard.DefaultCacheBytes/o.shards
	for n := range o.shards {
		r.shards = append(r.shards, shard.New(n, so))
		r.in = append(r.in, make(chan shard.Message, shard.Queue))
	}
	shared := partition.NewShared(partition.Options{
		Deciding: partition.Deciding{Program: o.program}, Secret: o.secret, Intake: o.intake, Source: o.source, Store: r.store, Shards: r.in, Alignment: quiet, Retrier: patient, Metrics: m.Intake,
	})
	for i, t := range o.topics {
		p := shared.Recount(shard.NewAssignment(t.Topic, t.Partition, i, o.shards), o.from[i], o.out[i])
		for _, s := range r.shards {
			s.Begin(p.Assignment(), nil, p.Start())
		}
		r.partitions = append(r.partitions, &recounted{Recounting: p, reached: engine.NoTime})
	}
	if r.eras != nil {
		r.noteEvents()
		r.takeOtherwise()
	}
	return r
}

func (r *recount) close() {
	for _, p := range r.partitions {
		p.Close()
	}
}

// peek is the Kafka timestamp of the next record, ms; false if there is none before an offset.
func (p *recounted) peek(ctx context.Context, to int64) (timestamp int64, ok bool, err error) {
	if timestamp, ok, err = p.Peek(ctx, to); err != nil {
		return 0, false, fmt.Errorf("read %s/%d: %w", p.Assignment().Topic, p.Assignment().Partition, err)
	}
	return timestamp, ok, nil
}

// progress is how many offsets of the log were read, and how many there are up to the given ones.
func (r *recount) progress(to []int64) (done, all int64) {
	for i, p := range r.partitions {
		done += p.Next() - p.From()
		all += max(to[i], p.Next()) - p.From()
	}
	return done, all
}

// read reads every partition up to an offset, the older records first, by
// their Kafka timestamps: about as they came. between is called between any two pieces.
func (r *recount) read(ctx context.Context, to []int64, between func() error) error {
	for {
		p, until, err := r.oldest(ctx, to)
		if err != nil || p == nil {
			return err
		}
		if err := r.feed(ctx, p, to[p.Assignment().Index], until); err != nil {
			return err
		}
		if err := between(); err != nil {
			return err
		}
	}
}

// oldest is the partition whose next record is the oldest, and the timestamp up to which it may be
// read. It is nil if no partition has a record below the offsets.
func (r *recount) oldest(ctx context.Context, to []int64) (oldest *recounted, until int64, err error) {
	first := int64(0) // the timestamp of its record
	until = engine.Never
	for i, p := range r.partitions {
		at, more, err := p.peek(ctx, to[i])
		switch {
		case err != nil:
			return nil, 0, err
		case !more:
		case oldest == nil:
			oldest, first = p, at
		case at < first:
			oldest, first, until = p, at, min(until, first)
		default:
			until = min(until, at)
		}
	}
	return oldest, min(until, engine.Never-recountTogether) + recountTogether, nil
}

// feed takes records of p up to an offset and a timestamp, and hands what they
// have for the shards on.
func (r *recount) feed(ctx context.Context, p *recounted, to, until int64) error {
	p.Assignment().Pool.Refill()
	for range recountMost {
		at, more, err := p.peek(ctx, to)
		if err != nil {
			return err
		}
		if !more || at > until {
			break
		}
		r.noteSilence(p)
		if err := p.Take(ctx); err != nil {
			return err
		}
		r.taken++
	}
	if err := p.Flush(ctx); err != nil {
		return err
	}
	r.collect(p)
	return nil
}

// noteSilence notes a silence before the record that was peeked at. The stream's time may have gone
// on without the partition, up to the newest time of any other.
func (r *recount) noteSilence(p *recounted) {
	if !p.Silent() {
		return
	}
	for _, other := range r.partitions {
		if t := other.Newest(); t != engine.NoTime {
			p.reached = max(p.reached, t+int64(time.Minute))
		}
	}
}

// collect takes what p sent to the shards.
func (r *recount) collect(p *recounted) {
	for n, in := range r.in {
		for len(in) > 0 {
			m := <-in
			if r.shards[n] != nil {
				r.waiting[n] = append(r.waiting[n], waitingChunk{p.Assignment().Index, m.Chunk})
			}
		}
	}
}

// apply takes a shard to the positions in to, by partition, as far as the log was read. What comes
// after them waits.
func (r *recount) apply(ctx context.Context, n int, to []position.Position) error {
	s, kept := r.shards[n], r.waiting[n][:0]
	for _, x := range r.waiting[n] {
		p := r.partitions[x.partition]
		head := x.chunk.Before(to[x.partition])
		if head != x.chunk {
			kept = append(kept, x)
		}
		if head == nil {
			continue
		}
		if err := s.Take(ctx, p.Assignment(), head); err != nil {
			return err
		}
		if head == x.chunk && !p.Assignment().Pool.Whole() {
			p.Assignment().Pool.Put(head)
		}
	}
	clear(r.waiting[n][len(kept):])
	r.waiting[n] = kept
	return nil
}

// note gets every operation before it is applied. It keeps by which partition each subject is fed,
// and whether the stream's time may have mattered.
func (r *recount) note(a *engine.Applier, e *shard.Entry, o *shard.ChunkOp) {
	k, place := xxhash.Sum64String(e.Name), feeders(o.Partition)
	if r.eras != nil {
		r.noteEra(k, e, o)
	}
	switch was, fed := r.fed[k]; {
	case !fed:
		r.fed[k] = place
	case was < 0:
		return
	case was != place:
		r.fed[k] = fedBySeveral
		return
	}
	if len(r.partitions) > 1 && r.mayHaveCleared(a, e, o) {
		r.fed[k] = fedUnsure
	}
}

// ordered reports whether the order is known in which what a subject has was applied.
func (r *recount) ordered(kind thresholds.Kind, id []byte) bool {
	return r.fed[nameOf(kind, id)] >= 0
}

// nameOf stands for a subject: the hash of its name in a shard's memory.
func nameOf(kind thresholds.Kind, id []byte) uint64 {
	return xxhash.Sum64(append([]byte{byte(kind)}, id...))
}

// mayHaveCleared reports whether an episode of e has its clear due after the time of o, but no
// later than where the stream's time may have been when o came. That is not beyond the newest time
// of o's own partition, unless the partition was silent.
func (r *recount) mayHaveCleared(a *engine.Applier, e *shard.Entry, o *shard.ChunkOp) bool {
	low, high := o.Time, max(o.Newest, r.partitions[o.Partition].reached)
	if t, ok := e.Time(); ok {
		low = max(low, t)
	}
	if high <= low || e.Due > high {
		return false
	}
	due := a.Redate(&e.Subject)
	return low < due && due <= high
}

// forget drops a shard that was compared.
func (r *recount) forget(n int) {
	r.waiting[n], r.shards[n] = nil, nil
}
