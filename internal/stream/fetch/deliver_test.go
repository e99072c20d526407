package fetch

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/segmentio/kafka-go"
)

// TestNextLate lends a set at the moment in which Next gives up.
func TestNextLate(t *testing.T) {
	s := newIdleStream(Options{})
	s.waits(t)
	p := s.ask(time.Now())
	p.answered = true
	s.accept(&p, time.Now())
	if set, err := s.leave(context.Canceled); set != p.set || err != nil {
		t.Errorf("%v, %v", set, err)
	}
	s.giveBack()
	if set, err := s.leave(context.Canceled); set != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", set, err)
	}
}

// TestNextError fetches records after Next has returned an error, and before it is called again.
// They are the next ones, not lent to a caller who no longer waits.
func TestNextError(t *testing.T) {
	for _, told := range []error{&OutOfRange{}, errTold} {
		s := newIdleStream(Options{})
		s.waits(t)
		s.report(told)
		if _, err := s.take(); err != told {
			t.Fatal(err)
		}
		s.SeekTo(100)
		p := s.ask(time.Now())
		p.answered = true
		p.set.Raw.Bytes = batchOf(100, 3)
		s.accept(&p, time.Now())
		set, err := s.Next(t.Context())
		if set != p.set || err != nil {
			t.Errorf("after %v: %v, %v", told, set, err)
		}
	}
}

// TestErrorAfter has an error come right after records, before Next could take these: they go
// first.
func TestErrorAfter(t *testing.T) {
	for _, waiting := range []bool{true, false} {
		s := newIdleStream(Options{})
		if waiting {
			s.waits(t)
		}
		p := s.ask(time.Now())
		p.answered = true
		p.set.Raw.Bytes = batchOf(100, 3)
		s.accept(&p, time.Now())
		s.report(errTold)
		if set, err := s.take(); set != p.set || err != nil {
			t.Errorf("waiting %v: %v, %v", waiting, set, err)
		}
		if set, err := s.Next(t.Context()); set != nil || err != errTold {
			t.Errorf("waiting %v, then: %v, %v", waiting, set, err)
		}
	}
}

// TestDeliver gives a stream one answer after the other: how many records, which end of the log,
// whether it was the first of its request. It checks whether the stream has more to read, and how
// much it asks for next.
func TestDeliver(t *testing.T) {
	s := newIdleStream(Options{PartitionBytes: 1000})
	f := func(records int, end int64, first, hasMore bool, limit int) {
		t.Helper()
		s.waits(t)
		p := s.ask(time.Now())
		p.answered, p.first = true, first
		p.set.HighWatermark = end
		if records > 0 {
			p.set.Raw.Bytes = append(p.set.Raw.Bytes, batchOf(p.offset, records)...)
		}
		if came := s.accept(&p, time.Now()); came != (records > 0) {
			t.Errorf("%d records: came %v", records, came)
		}
		if s.hasMore != hasMore || s.limit != limit {
			t.Errorf("%d records to %d, first %v: has more %v, limit %d", records, end, first, s.hasMore, s.limit)
		}
		s.giveBack()
	}
	f(10, 200, true, true, 1000)
	f(0, 200, false, true, 1000) // the others took it all: asked again at once, but not for more
	f(0, 200, true, true, 2000)  // asked again at once, or those who have nothing more would stand before it, and it would never be the first
	f(0, 200, true, true, 4000)
	f(0, 200, false, true, 4000)
	f(80, 200, true, true, 1000)
	f(10, 200, true, false, 1000)
	f(0, 200, true, false, 1000)
	s.limit = records.MaxBatch - 1
	f(0, 201, true, true, records.MaxBatch)
	f(0, 201, true, true, records.MaxBatch)
}

// TestNothingGiven: a broker may give nothing though its log has more, or say that it cannot. Once
// this has lasted it is returned as damage, and what comes afterwards is given.
func TestNothingGiven(t *testing.T) {
	for _, refused := range []error{nil, kafka.InvalidMessage} {
		s := newIdleStream(Options{Patience: time.Nanosecond})
		s.limit = records.MaxBatch
		p := s.ask(time.Now())
		p.answered, p.first, p.err = true, true, refused
		p.set.HighWatermark = 200
		if s.accept(&p, time.Now()) {
			t.Error("records came")
		}
		_, err := s.take()
		if bad, ok := errors.AsType[*records.Corrupt](err); !ok || bad.Offset != p.offset || bad.Topic != s.topic {
			t.Errorf("%v: %v", refused, err)
		}
		p = s.ask(time.Now())
		p.answered, p.first = true, true
		p.set.HighWatermark = 200
		p.set.Raw.Bytes = append(p.set.Raw.Bytes, batchOf(p.offset, 3)...)
		if !s.accept(&p, time.Now()) {
			t.Error("nothing came")
		}
		if set, err := s.take(); set == nil || err != nil {
			t.Errorf("%v: then %v", refused, err)
		}
	}
}

// TestBuffers keeps buffers up to twice PartitionBytes.
func TestBuffers(t *testing.T) {
	s := newIdleStream(Options{PartitionBytes: 1000})
	f := func(size, want int) {
		t.Helper()
		p := s.ask(time.Now())
		p.set.Raw.Bytes = make([]byte, size)
		s.accept(&p, time.Now())
		if got := cap(s.spare[1].Raw.Bytes); got != want {
			t.Errorf("%d bytes become %d", size, got)
		}
	}
	f(2000, 2000)
	f(2001, 0)
}

var errTold = errors.New("for Next")

// newIdleStream makes a stream that nobody fetches for.
func newIdleStream(opts Options) *stream {
	opts.Transport = &kafka.Transport{}
	opts.setDefaults()
	return newStream(&Client{opts: opts, lost: retry.NewSignal()}, "t", 0, 100)
}

// waits begins a Next.
func (s *stream) waits(t *testing.T) {
	t.Helper()
	if set, err := s.take(); set != nil || err != nil {
		t.Fatal(set, err)
	}
}
