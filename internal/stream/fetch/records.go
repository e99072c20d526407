package fetch

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

var (
	errRecord   = errors.New("record does not fit its batch")
	errTrailing = errors.New("bytes behind the last record of a batch")
)

// walk is where Read stands in a set.
type walk struct {
	topic     string
	partition int
	buf       []byte  // the record set as it came; reused by the next fetch
	raw       []byte  // whole batches not begun yet
	bad       error   // what follows them, if it is no batch
	err       error   // what Read failed with
	stale     bool    // SeekTo was called since
	at        int64   // every record below it was handed out or is not to be
	txns      aborted // of this set
	dec       *decoder
	cut       bool   // the broker may have more of what comes last: it gave all it was asked for, or others were before
	oversized int    // above 0: buf is only the header of what came, which takes so many bytes
	huge      *batch // that, until it is handed out

	// Of the batch being read.
	inside  bool   // there is one
	rest    []byte // its records not read yet, as far as they are decompressed
	left    int32  // how many they are
	first   int64  // offset they count from
	next    int64  // offset that the next one has at least
	end     int64  // offset after the batch, also of a batch passed over
	base    int64  // timestamp they count from
	stamped bool   // base is the timestamp of all: LogAppendTime
	odd     int    // records passed over, since they have the offset of another one
	fault   Fault  // of the record handed out
}

// NewSet returns a set over raw, one or more record batches as Kafka stores them, asked for from
// offset from on. It is for tests without a Kafka. The caller sets HighWatermark and LogStart.
func NewSet(topic string, partition int, from int64, raw []byte) *Set {
	s := &Set{walk: walk{topic: topic, partition: partition, dec: newDecoder()}}
	s.buf = raw
	s.open(from)
	return s
}

// open readies the set to be read: buf holds what was asked for from offset
// from on, txns the transactions aborted in it.
func (s *Set) open(from int64) {
	s.at, s.err = from, nil
	s.inside, s.rest, s.left, s.end = false, nil, 0, 0
	if s.oversized > 0 {
		s.openHuge(from)
	} else {
		next, whole, err := scan(s.buf, from, s.HighWatermark, s.cut)
		s.Next, s.raw, s.bad = next, s.buf[:whole], err
	}
	s.txns.sort()
}

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
		if len(s.raw) == 0 {
			return false, s.over()
		}
		if err := s.batch(ctx); err != nil {
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

// unsound is a batch whose CRC does not match.
type unsound struct{ first, end int64 }

func (e *unsound) Error() string {
	return fmt.Sprintf("crc of the batch of offset %d does not match", e.first)
}

// batch begins the next batch, or passes it over.
func (s *Set) batch(ctx context.Context) error {
	h, err := parseBatch(s.raw)
	if err != nil {
		return err
	}
	if !h.sound() {
		return &unsound{h.first, h.last + 1}
	}
	keep, err := s.visible(ctx, &h)
	if err != nil {
		return err
	}
	if keep && h.last >= s.at && h.count > 0 {
		err = s.begin(&h)
	}
	s.raw, s.end = s.raw[h.size:], h.last+1
	return err
}

// begin lets record read the records of h.
func (s *Set) begin(h *batch) error {
	rest, err := s.dec.open(h.codec(), h.payload)
	if err != nil {
		return fmt.Errorf("batch of offset %d: %w", h.first, err)
	}
	s.inside, s.rest, s.left, s.odd = true, rest, h.count, 0
	s.first, s.next, s.at = h.first, h.first, max(s.at, h.first)
	s.base, s.stamped = h.base, h.appendTime()
	if s.stamped {
		s.base = h.newest
	}
	return nil
}

// visible reports whether a reader of committed records sees the batch's records. The algorithm is
// nextFetchedRecord of Kafka's CompletedFetch. A transaction listed as aborted hides its producer's
// transactional batches from its first offset on, up to the producer's abort marker.
func (s *Set) visible(ctx context.Context, h *batch) (bool, error) {
	if h.producer < 0 {
		return !h.control(), nil
	}
	s.txns.upTo(h.last)
	if !h.control() {
		return !h.transactional() || !s.txns.hides(h.producer), nil
	}
	abort, err := s.abortMarker(ctx, h)
	if abort {
		s.txns.end(h.producer)
	}
	return false, err
}

// markerHead is no less than what stands before the end of a marker's key, in bytes.
const markerHead = 64

// abortMarker reports whether a control batch ends an aborted transaction. The key of its first
// record is two int16, a version and a type; type 0 is abort.
func (s *Set) abortMarker(ctx context.Context, h *batch) (bool, error) {
	if h.count == 0 {
		return false, nil
	}
	b, err := s.dec.open(h.codec(), h.payload)
	if err == nil {
		b, err = s.dec.more(ctx, b, markerHead)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("control batch of offset %d: %w", h.first, err)
	}
	_, i := varint(b, 0)  // length
	_, i = varint(b, i+1) // after the attributes, the timestamp's delta
	_, i = varint(b, i)   // the offset's delta
	n, i := varint(b, i)
	if n < 4 || i > len(b)-4 {
		return false, fmt.Errorf("control batch of offset %d: %w", h.first, errRecord)
	}
	return binary.BigEndian.Uint16(b[i+2:]) == 0, nil
}

// record reads one record of the batch, by Kafka's DefaultRecord: its length, and what parse reads.
func (s *Set) record(ctx context.Context, r *Record) error {
	length, i := varint(s.rest, 0)
	if i > len(s.rest) || length > int64(len(s.rest)-i) || length > int64(s.dec.record) {
		return s.gather(ctx, r)
	}
	if length < 1 {
		return errRecord
	}
	b := s.rest[i : i+int(length)]
	s.rest = s.rest[i+int(length):]
	s.left--
	return s.parse(b, r)
}

// gather is record for a record that is not whole in rest, or too large to be so.
func (s *Set) gather(ctx context.Context, r *Record) error {
	err := s.want(ctx, binary.MaxVarintLen64)
	length, i := varint(s.rest, 0)
	switch {
	case i > len(s.rest) && err != nil:
		return err
	case i > len(s.rest) || length < 1:
		return errRecord
	case length > int64(s.dec.record):
		s.rest = s.rest[i:]
		s.left--
		return s.large(ctx, r, length)
	}
	if err := s.want(ctx, i+int(length)); err != nil {
		return err
	}
	return s.record(ctx, r)
}

// want has more of the batch decompressed, until rest has n bytes.
func (s *Set) want(ctx context.Context, n int) (err error) {
	if s.rest, err = s.dec.more(ctx, s.rest, n); errors.Is(err, io.EOF) {
		return errRecord
	}
	return err
}

// parse reads a record: attributes, deltas of timestamp and offset, key, value, headers.
func (s *Set) parse(b []byte, r *Record) error {
	stamp, i := varint(b, 1)
	delta, i := varint(b, i)
	r.Key, i = field(b, i)
	r.Value, i = field(b, i)
	headers, i := varint(b, i)
	r.Headers, r.Fault = r.Headers[:0], nil
	if i > len(b) {
		return errRecord
	}
	if err := s.setOffset(r, stamp, delta); err != nil {
		return err
	}
	if headers != 0 {
		return s.headers(r, b[i:], headers)
	}
	if i < len(b) {
		return errRecord
	}
	return nil
}

// setOffset gives a record its offset and timestamp. A record whose offset is taken is passed over, as
// other consumers do. An offset that is not in the batch is replaced by the next offset. Kafka
// checks the offsets of compressed batches only.
func (s *Set) setOffset(r *Record, stamp, delta int64) error {
	r.Timestamp = s.base
	if !s.stamped {
		r.Timestamp += stamp
	}
	if r.Offset = s.first + delta; delta >= s.end-s.first {
		r.Offset = s.next
	}
	if r.Offset >= s.next && r.Offset < s.end {
		s.next = r.Offset + 1
		return nil
	}
	r.Offset = -1
	if s.odd++; s.odd > mostOdd {
		return errOdd
	}
	return nil
}

// headers reads n headers, which must take all of b, unless they are too many.
func (s *Set) headers(r *Record, b []byte, n int64) error {
	if n < 0 || n > int64(len(b)/2) {
		return errRecord
	}
	if n > maxHeaders || len(b) > maxHeaderBytes {
		s.fault = Fault{Kind: TooLarge, Next: r.Offset + 1, Value: -1, Cause: fmt.Errorf(
			"the record has %d headers of %d bytes together; more than %d, or %d bytes, are left out", n, len(b), maxHeaders, maxHeaderBytes)}
		r.Fault = &s.fault
		return nil
	}
	return readHeaders(r, b, n)
}

// readHeaders reads n headers, which must take all of b.
func readHeaders(r *Record, b []byte, n int64) error {
	i := 0
	for range n {
		var h Header
		h.Key, i = field(b, i)
		h.Value, i = field(b, i)
		if i > len(b) || h.Key == nil {
			return errRecord
		}
		r.Headers = append(r.Headers, h)
	}
	if i < len(b) {
		return errRecord
	}
	return nil
}

// out is where varint and field stand after a read beyond the end. Every later read of theirs stays
// there, so that one check at the end suffices.
const out = math.MaxInt

// field reads a length and that many bytes at b[i:]. A negative length is null.
func field(b []byte, i int) ([]byte, int) {
	n, i := varint(b, i)
	if n < 0 || i > len(b) {
		return nil, i
	}
	if n > int64(len(b)-i) {
		return nil, out
	}
	end := i + int(n)
	return b[i:end:end], end
}

// varint reads a zigzag varint at b[i:] and returns it and where it ends.
func varint(b []byte, i int) (int64, int) {
	if uint(i) < uint(len(b)) && b[i] < 0x80 {
		return int64(b[i]>>1) ^ -int64(b[i]&1), i + 1
	}
	return longVarint(b, i)
}

func longVarint(b []byte, i int) (int64, int) {
	if uint(i) >= uint(len(b)) {
		return 0, out
	}
	if i+1 < len(b) && b[i+1] < 0x80 { // most lengths of values
		u := int64(b[i]&0x7f) | int64(b[i+1])<<7
		return u>>1 ^ -(u & 1), i + 2
	}
	v, n := binary.Varint(b[i:])
	if n <= 0 {
		return 0, out
	}
	return v, i + n
}
