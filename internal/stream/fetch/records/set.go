package records

import (
	"context"
	"errors"
)

// Set is what one fetch of a partition brought: records from an offset on. Who fetches fills Raw, HighWatermark and
// LogStart, and calls Open.
type Set struct {
	Next          int64 // the offset to fetch next, after every record of the set, control and compacted ones too
	HighWatermark int64 // the end of the log, as far as consumers may see (last stable offset); 0: it is not known
	LogStart      int64 // the log's first offset
	Raw           Raw

	topic     string
	partition int
	at        int64        // every record below it was handed out or is not to be
	batches   []byte       // whole ones not begun yet
	huge      *batch       // the one that came, too large, until it is handed out
	bad       error        // what follows them, if it is no batch
	err       error        // what Read failed with
	aborted   transactions // of this set
	walk
}

// NewSet returns an empty set of a partition.
func NewSet(topic string, partition int, d *Decoder) *Set {
	return &Set{topic: topic, partition: partition, walk: walk{dec: d}}
}

// Open readies the set to be read: Raw holds what was asked for from offset from on. It reports whether anything came,
// sound or not.
func (s *Set) Open(from int64) bool {
	s.at, s.err = from, nil
	s.inside, s.rest, s.left, s.end = false, nil, 0, 0
	s.huge, s.batches = nil, nil
	if s.Raw.Oversized == 0 {
		var whole int
		s.Next, whole, s.bad = scan(s.Raw.Bytes, from, s.HighWatermark, s.Raw.Cut)
		s.batches = s.Raw.Bytes[:whole]
	} else if s.huge, s.bad = s.Raw.oversized(from, s.HighWatermark); s.huge != nil {
		s.Next = s.huge.last + 1
	} else {
		s.Next = from
	}
	s.aborted.begin(s.Raw.Aborted)
	return s.Next > from || s.bad != nil
}

// Failed reports whether Read failed, and returns the first offset that was not read.
func (s *Set) Failed() (at int64, failed bool) { return s.at, s.err != nil }

// Close gives back what is held to read on in a batch. The set is not read until it is opened again.
func (s *Set) Close() { s.dec.close() }

// Span is the offset to fetch next, and the end of the log as far as consumers may see.
func (s *Set) Span() (next, end int64) { return s.Next, s.HighWatermark }

// Read reads the next record of the set into r and reports whether there was one. It leaves out
// records below the offset asked for, control records and those of aborted transactions. It
// allocates nothing, except for a record with a Fault. An error is a *Corrupt, or that of ctx, and
// stays.
func (s *Set) Read(ctx context.Context, r *Record) (bool, error) {
	for s.err == nil {
		for s.left > 0 {
			if err := s.record(ctx, r); err != nil {
				return s.leave(ctx, r, err)
			}
			if r.Offset >= s.at {
				s.at = r.Offset + 1
				return true, nil
			}
		}
		if s.inside {
			if err := s.surplus(ctx); err != nil {
				return s.leave(ctx, r, err)
			}
			s.inside = false
		}
		s.at = max(s.at, s.end)
		if s.huge != nil && s.meetHuge() {
			return s.leaveHuge(ctx, r)
		}
		if len(s.batches) == 0 {
			return false, s.over()
		}
		if err := s.nextBatch(ctx); err != nil {
			if s.err = ctx.Err(); s.err == nil {
				return false, s.fail(err)
			}
		}
	}
	return false, s.err
}

// over is the end of the set.
func (s *Set) over() error {
	if s.bad != nil {
		return s.fail(s.bad)
	}
	return nil
}

func (s *Set) fail(cause error) error {
	bad := &Corrupt{Topic: s.topic, Partition: s.partition, Offset: s.at, Cause: cause}
	if u, ok := errors.AsType[*unsound](cause); ok {
		bad.End = u.end
	}
	s.err = bad
	return s.err
}

// nextBatch begins the next batch, or passes it over.
func (s *Set) nextBatch(ctx context.Context) error {
	h, err := parseBatch(s.batches)
	if err != nil {
		return err
	}
	if !h.sound() {
		return &unsound{h.first, h.last + 1}
	}
	keep, err := s.aborted.visible(ctx, &h, s.dec)
	if err != nil {
		return err
	}
	if keep && h.last >= s.at && h.count > 0 {
		if err = s.begin(&h); err == nil {
			s.at = max(s.at, h.first)
		}
	}
	s.batches, s.end = s.batches[h.size:], h.last+1
	return err
}

// leave ends the batch being read, which could not be read whole, and makes r say so. Or ctx has
// ended.
func (s *Set) leave(ctx context.Context, r *Record, cause error) (bool, error) {
	if s.err = ctx.Err(); s.err != nil {
		return false, s.err
	}
	s.abandon(r, s.at, cause)
	s.at = s.end
	return true, nil
}

// meetHuge goes on after a batch that is too large, and reports whether a reader of committed records sees it.
func (s *Set) meetHuge() bool {
	h := s.huge
	s.huge = nil
	s.stand(h)
	if s.aborted.hide(h) || h.control() {
		s.at = s.end
		return false
	}
	s.at = max(s.at, s.first)
	return true
}

// leaveHuge makes r say that the batch is not read.
func (s *Set) leaveHuge(ctx context.Context, r *Record) (bool, error) {
	one := s.at == s.end-1
	more, err := s.leave(ctx, r, errHuge)
	if one && r.Fault != nil {
		r.Fault.Kind = TooLarge
	}
	return more, err
}
