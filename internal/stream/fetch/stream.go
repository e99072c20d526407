package fetch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
)

// stream is one partition read in order. All its fields but the first group are
// guarded by the client's mutex.
//
// It has two sets. Each is one of: spare, asked for (in an exchange, which owns
// it), ready, or lent to the caller of Next.
type stream struct {
	c     *Client
	topic string
	id    int32
	dec   *records.Decoder // of the set lent
	wake  retry.Signal     // for Next

	fetcher *fetcher // nil: the stream is homeless
	closed  bool
	offset  int64  // to fetch next
	seq     uint64 // raised by SeekTo
	limit   int    // bytes to ask for; more than PartitionBytes after a batch that did not fit

	spare   []*records.Set
	asked   bool
	ready   *records.Set
	lent    *records.Set
	stale   bool // SeekTo was called since
	waiting bool // Next waits: what comes is lent at once

	hasMore  bool          // there is more after what came last, or nobody has looked yet
	answered time.Time     // when a fetch last came back
	backoff  retry.Backoff // of failures in a row
	since    time.Time     // when the first of them began
	retry    time.Time     // not before
	err      error         // for Next
}

func newStream(c *Client, topic string, partition int, offset int64) *stream {
	s := &stream{c: c, topic: topic, id: int32(partition), dec: records.NewDecoder(), wake: retry.NewSignal(), backoff: newBackoff(), since: time.Now()}
	s.spare = append(s.spare, s.newSet(), s.newSet())
	s.seek(offset)
	return s
}

func (s *stream) newSet() *records.Set {
	return records.NewSet(s.topic, int(s.id), s.dec)
}

// Next returns the next set. See Stream.
func (s *stream) Next(ctx context.Context) (*records.Set, error) {
	s.giveBack()
	for {
		set, err := s.take()
		if gone, ok := errors.AsType[*OutOfRange](err); ok {
			if err = s.measure(ctx, *gone); err == nil {
				continue
			}
		}
		if set != nil || err != nil {
			return set, err
		}
		select {
		case <-s.wake:
		case <-s.c.done:
			return nil, ErrClosed
		case <-ctx.Done():
			return s.leave(ctx.Err())
		}
	}
}

// take returns what there is for Next, records before an error, or notes that
// Next waits.
func (s *stream) take() (*records.Set, error) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.waiting = false
	if s.closed || s.c.closed() {
		return nil, ErrClosed
	}
	if s.lent == nil && s.ready != nil {
		s.lend(s.ready)
		s.ready = nil
		s.kick()
	}
	if s.lent != nil {
		return s.lent, nil
	}
	if err := s.err; err != nil {
		if _, ok := errors.AsType[*OutOfRange](err); !ok { // which stays until SeekTo
			s.err = nil
			s.kick()
		}
		return nil, err
	}
	s.waiting = true
	return nil, nil
}

func (s *stream) lend(set *records.Set) { s.lent, s.stale = set, false }

// leave ends Next with err, unless a set came at the last moment.
func (s *stream) leave(err error) (*records.Set, error) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.waiting = false
	if s.lent != nil {
		return s.lent, nil
	}
	return nil, err
}

// giveBack returns the set lent by the last call of Next.
func (s *stream) giveBack() {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	set := s.lent
	if set == nil {
		return
	}
	s.lent = nil
	if at, failed := set.Failed(); failed && !s.stale {
		s.seek(at)
	}
	set.Close()
	s.put(set)
	s.kick()
}

// put makes a set spare again. A buffer that a large batch has blown up goes.
func (s *stream) put(set *records.Set) {
	if cap(set.Raw.Bytes) > 2*s.c.opts.PartitionBytes {
		set.Raw.Bytes = nil
	}
	s.spare = append(s.spare, set)
}

// measure asks what the log holds, after a fetch out of range. If it holds the
// offset now, that is one more failure to be retried.
func (s *stream) measure(ctx context.Context, gone OutOfRange) error {
	var err error
	gone.Start, gone.End, err = s.c.Offsets(ctx, s.topic, int(s.id))
	if err != nil {
		return fmt.Errorf("fetch %s/%d at offset %d: %w: %w", s.topic, s.id, gone.Offset, kafka.OffsetOutOfRange, err)
	}
	if gone.Offset < gone.Start || gone.Offset > gone.End {
		return &gone
	}
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.err = nil
	s.fail(kafka.OffsetOutOfRange)
	return nil
}

// SeekTo makes offset the next one. See Stream.
func (s *stream) SeekTo(offset int64) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.seek(offset)
	s.stale = true
	s.kick()
}

func (s *stream) seek(offset int64) {
	s.seq++
	s.offset = offset
	s.limit = s.c.opts.PartitionBytes
	s.hasMore = true
	s.err = nil
	if s.ready != nil {
		s.put(s.ready)
		s.ready = nil
	}
}

// Close ends the stream. See Stream.
func (s *stream) Close() {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.closed = true
	s.ready, s.spare = nil, nil
	if s.fetcher != nil {
		s.fetcher.remove(s)
	}
	s.wake.Raise()
}

// kick tells the goroutine that fetches for the stream to look again.
func (s *stream) kick() {
	if s.fetcher != nil {
		s.fetcher.work.Raise()
	}
}

// room reports whether the stream may be asked for.
func (s *stream) room() bool {
	return !s.asked && s.err == nil && s.ready == nil && len(s.spare) > 0
}

// ask takes a spare set for an exchange.
func (s *stream) ask(now time.Time) part {
	n := len(s.spare) - 1
	set := s.spare[n]
	s.spare = s.spare[:n]
	s.asked = true
	if !s.backoff.Failed() {
		s.since = now
	}
	set.Raw.Reset()
	return part{
		stream: s, seq: s.seq, topic: s.topic, id: s.id,
		offset: s.offset, limit: int32(s.limit), set: set,
	}
}

// accept takes the answer of an exchange and reports whether it brought records.
func (s *stream) accept(p *part, now time.Time) bool {
	s.asked = false
	switch {
	case s.closed:
		return false
	case p.seq != s.seq:
	case !p.answered:
		s.hasMore, s.answered = false, now
	case errors.Is(p.err, kafka.OffsetOutOfRange):
		s.report(&OutOfRange{Topic: s.topic, Partition: int(s.id), Offset: p.offset})
	case p.err != nil:
		s.fail(p.err)
	default:
		return s.deliver(p, now)
	}
	s.put(p.set)
	return false
}

// deliver makes a set the next one. One without a batch is worth it only to a
// caller that waits for news.
func (s *stream) deliver(p *part, now time.Time) bool {
	set := p.set
	set.Raw.Cut = !p.first || len(set.Raw.Bytes) >= int(p.limit)
	came := set.Open(p.offset)
	more := set.Next < set.HighWatermark
	if more && !came && p.first && s.limit >= records.MaxBatch {
		s.put(set)
		s.fail(errHollow)
		return false
	}
	s.err, s.answered = nil, now
	s.backoff.Reset()
	s.offset = set.Next
	switch {
	case came:
		s.hasMore, s.limit = more, s.c.opts.PartitionBytes
	case more && !p.first:
		// The others took all the broker gives at once, or the next batch is above the limit.
		// Brokers promise a whole batch to the first alone.
	default:
		s.hasMore = more // it is asked for again at once, as the first: those who have nothing more would stand before it
		if more {
			s.limit = max(s.limit, min(2*s.limit, records.MaxBatch))
		}
	}
	switch {
	case s.waiting:
		s.waiting = false
		s.lend(set)
		s.wake.Raise()
	case came:
		s.ready = set
	default:
		s.put(set)
	}
	return came
}

// lose is accept for an exchange that failed: its set is lost to it.
func (s *stream) lose(seq uint64, err error) {
	s.asked = false
	if s.closed {
		return
	}
	s.put(s.newSet())
	if seq == s.seq {
		s.fail(err)
	}
}

// fail makes the stream homeless for a while. Next hears of it when waiting is of no use or was of
// none for long.
func (s *stream) fail(err error) {
	now := time.Now()
	s.retry = now.Add(s.backoff.Next())
	if s.fetcher != nil {
		s.fetcher.remove(s)
	}
	s.c.homeless = append(s.c.homeless, s)
	s.c.lost.Raise()
	switch {
	case !final(err) && now.Sub(s.since) < s.c.opts.Patience:
	case damaged(err):
		s.report(&records.Corrupt{Topic: s.topic, Partition: int(s.id), Offset: s.offset, Cause: err})
	default:
		s.report(fmt.Errorf("fetch %s/%d at offset %d: %w", s.topic, s.id, s.offset, err))
	}
}

func (s *stream) report(err error) {
	s.err = err
	s.wake.Raise()
}
