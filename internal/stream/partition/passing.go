package partition

import (
	"context"
	"errors"
	"math"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
)

// passing reads a partition without the stretches that were passed over, even if they are readable by now. To whoever
// reads they look like records that the log no longer holds.
type passing struct {
	fetch.Reader
	out  *Stretches
	at   int64           // where the next set begins
	lent fetch.RecordSet // by the reader
	set  passingSet
}

// passedOver is the error that is returned in the place of a stretch.
type passedOver struct{ gone *fetch.OutOfRange }

// passingSet is a set as far as the next stretch.
type passingSet struct {
	fetch.RecordSet
	to   int64
	over bool // it has come there
}

// SeekTo is fetch.Reader's.
func (r *passing) SeekTo(offset int64) {
	r.at, r.lent = offset, nil
	r.Reader.SeekTo(offset)
}

// Next is fetch.Reader's.
func (r *passing) Next(ctx context.Context) (fetch.RecordSet, error) {
	if r.lent != nil {
		r.at, _ = r.lent.Span()
		r.lent = nil
	}
	next := r.out.from(r.at)
	if next.from <= r.at {
		return nil, &passedOver{&fetch.OutOfRange{Offset: r.at, Start: next.to, End: math.MaxInt64}}
	}
	set, err := r.Reader.Next(ctx)
	if err != nil {
		return nil, err
	}
	if r.lent = set; next.from < engine.Never {
		r.set = passingSet{RecordSet: set, to: next.from}
		r.lent = &r.set
	}
	return r.lent, nil
}

// Read is fetch.RecordSet's.
func (s *passingSet) Read(ctx context.Context, r *records.Record) (bool, error) {
	if s.over {
		return false, nil
	}
	more, err := s.RecordSet.Read(ctx, r)
	bad, broken := errors.AsType[*records.Corrupt](err)
	if s.over = more && r.Next() > s.to || broken && bad.Offset >= s.to; s.over {
		return false, nil
	}
	return more, err
}

// Span is fetch.RecordSet's.
func (s *passingSet) Span() (next, end int64) {
	next, end = s.RecordSet.Span()
	if s.over {
		next = s.to
	}
	return min(next, s.to), end
}

func (e *passedOver) Error() string { return e.gone.Error() }

func (e *passedOver) Unwrap() error { return e.gone }
