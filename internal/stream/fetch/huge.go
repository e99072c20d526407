package fetch

import (
	"context"
	"encoding/binary"
	"errors"
)

// A topic may take batches that are larger than maxBatch (max.message.bytes). They are not held in
// memory. Only the header is read, which says what offsets the batch has. The batch is handed out
// as one record with a Fault.

var errNoHeader = errors.New("a record set that is too large does not begin with a batch")

// openHuge is open for a set whose buf is the header of a batch that is too large. A broker gives
// just that batch then; if it gave something else, the length is damaged.
func (s *Set) openHuge(from int64) {
	s.Next, s.raw, s.bad, s.huge = from, nil, errNoHeader, nil
	if len(s.buf) < batchHeader || s.buf[batchMagicAt] != 2 || batchPrefix+int(int32(binary.BigEndian.Uint32(s.buf[batchLengthAt:]))) != s.oversized {
		return
	}
	h, err := parseWhole(s.buf[:batchHeader])
	if err != nil || h.last < from || s.HighWatermark > 0 && h.first > s.HighWatermark+pastEnd {
		return
	}
	s.Next, s.bad, s.huge = h.last+1, nil, &h
}

// meetHuge goes on after the batch, and reports whether a reader of committed records sees it.
func (s *Set) meetHuge() bool {
	h := s.huge
	s.huge = nil
	s.first, s.end, s.base, s.odd = h.first, h.last+1, h.base, 0
	s.txns.upTo(h.last)
	if h.control() || h.transactional() && s.txns.hides(h.producer) {
		s.at = s.end
		return false
	}
	s.at = max(s.at, s.first)
	if h.appendTime() {
		s.base = h.newest
	}
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
