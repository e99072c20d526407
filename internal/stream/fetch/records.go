package fetch

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
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

	// Of the batch being read.
	rest    []byte // its records not read yet
	left    int32  // how many they are
	first   int64  // offset they count from
	next    int64  // offset that the next one has at least
	end     int64  // offset behind the batch, also of one passed over
	base    int64  // timestamp they count from
	stamped bool   // base is the timestamp of all: LogAppendTime
}

// NewSet returns a set over raw, one or more record batches as Kafka stores
// them, asked for from offset from on; for simulations and tests without a Kafka
// (AppendBatch makes batches). HighWatermark and LogStart are for the caller to set.
func NewSet(topic string, partition int, from int64, raw []byte) *Set {
	s := &Set{walk: walk{topic: topic, partition: partition, dec: newDecoder()}}
	s.buf = raw
	s.open(from)
	return s
}

// open readies the set to be read: buf holds what was asked for from offset
// from on, txns the transactions aborted in it.
func (s *Set) open(from int64) {
	next, whole, err := scan(s.buf, from)
	s.Next, s.raw, s.bad = next, s.buf[:whole], err
	s.at, s.err = from, nil
	s.rest, s.left, s.end = nil, 0, 0
	s.txns.sort()
}

// Read reads the next record of the set into r and tells whether there was one.
// It leaves out records below the offset asked for, control records and those of
// aborted transactions, and allocates nothing. An error is a *Corrupt, and stays.
func (s *Set) Read(r *Record) (bool, error) {
	for s.err == nil {
		for s.left > 0 {
			if !s.record(r) {
				return false, s.fail(errRecord)
			}
			if r.Offset >= s.at {
				s.at = r.Offset + 1
				return true, nil
			}
		}
		s.at = max(s.at, s.end)
		if len(s.raw) == 0 {
			return false, s.over()
		}
		if err := s.batch(); err != nil {
			return false, s.fail(err)
		}
	}
	return false, s.err
}

// over is the end of the set.
func (s *Set) over() error {
	if len(s.rest) > 0 {
		return s.fail(errTrailing)
	}
	if s.bad != nil {
		return s.fail(s.bad)
	}
	return nil
}

func (s *Set) fail(cause error) error {
	s.err = &Corrupt{Topic: s.topic, Partition: s.partition, Offset: s.at, Cause: cause}
	return s.err
}

// batch begins the next batch, or passes it over.
func (s *Set) batch() error {
	if len(s.rest) > 0 {
		return errTrailing
	}
	h, err := parseBatch(s.raw)
	if err != nil {
		return err
	}
	if !h.sound() {
		return fmt.Errorf("crc of the batch of offset %d does not match", h.first)
	}
	keep, err := s.visible(&h)
	if err != nil {
		return err
	}
	s.raw = s.raw[h.size:]
	if keep && h.last >= s.at && h.count > 0 {
		return s.begin(&h)
	}
	s.end = h.last + 1
	return nil
}

// begin lets record read the records of h.
func (s *Set) begin(h *batch) error {
	rest, err := s.dec.decode(h.codec(), h.payload)
	if err != nil {
		return fmt.Errorf("batch of offset %d: %w", h.first, err)
	}
	s.rest, s.left = rest, h.count
	s.first, s.next, s.end = h.first, h.first, h.last+1
	s.base, s.stamped = h.base, h.appendTime()
	if s.stamped {
		s.base = h.newest
	}
	return nil
}

// visible tells whether a reader of committed records sees the batch's. The
// algorithm is nextFetchedRecord of Kafka's CompletedFetch: a transaction listed
// as aborted hides its producer's transactional batches from its first offset on,
// up to the producer's abort marker.
func (s *Set) visible(h *batch) (bool, error) {
	if h.producer < 0 {
		return !h.control(), nil
	}
	s.txns.upTo(h.last)
	if !h.control() {
		return !h.transactional() || !s.txns.hides(h.producer), nil
	}
	abort, err := s.abortMarker(h)
	if abort {
		s.txns.end(h.producer)
	}
	return false, err
}

// abortMarker tells whether a control batch ends an aborted transaction: the key
// of its first record is two int16, a version and a type, of which 0 is abort.
func (s *Set) abortMarker(h *batch) (bool, error) {
	if h.count == 0 {
		return false, nil
	}
	b, err := s.dec.decode(h.codec(), h.payload)
	if err != nil {
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

// record reads one record of the batch, by Kafka's DefaultRecord: length,
// attributes, deltas of timestamp and offset, key, value, headers.
func (s *Set) record(r *Record) bool {
	length, i := varint(s.rest, 0)
	if length < 1 || i > len(s.rest) || length > int64(len(s.rest)-i) {
		return false
	}
	b := s.rest[i : i+int(length)]
	s.rest = s.rest[i+int(length):]
	s.left--

	stamp, i := varint(b, 1)
	delta, i := varint(b, i)
	r.Key, i = field(b, i)
	r.Value, i = field(b, i)
	headers, i := varint(b, i)
	r.Headers = r.Headers[:0]
	r.Offset = s.first + delta
	if i > len(b) || r.Offset < s.next || r.Offset >= s.end {
		return false
	}
	s.next = r.Offset + 1
	r.Timestamp = s.base
	if !s.stamped {
		r.Timestamp += stamp
	}
	if headers != 0 {
		return readHeaders(r, b[i:], headers)
	}
	return i == len(b)
}

// readHeaders reads n headers, which must take all of b.
func readHeaders(r *Record, b []byte, n int64) bool {
	if n < 0 || n > int64(len(b)) {
		return false
	}
	i := 0
	for range n {
		var h Header
		h.Key, i = field(b, i)
		h.Value, i = field(b, i)
		if i > len(b) || h.Key == nil {
			return false
		}
		r.Headers = append(r.Headers, h)
	}
	return i == len(b)
}

// out is where varint and field stand after a read beyond the end: every later
// read of theirs stays there, so that one check at the end suffices.
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

// aborted is the transactions aborted in a set, and those of them that the
// walk is in.
type aborted struct {
	list []txn // by first offset
	next int   // the first of list not begun
	open map[int64]struct{}
}

type txn struct {
	producer, first int64
}

func (a *aborted) sort() {
	a.next = 0
	clear(a.open)
	slices.SortFunc(a.list, func(x, y txn) int { return cmp.Compare(x.first, y.first) })
}

// upTo begins the transactions whose first offset is not above last.
func (a *aborted) upTo(last int64) {
	for a.next < len(a.list) && a.list[a.next].first <= last {
		if a.open == nil {
			a.open = make(map[int64]struct{})
		}
		a.open[a.list[a.next].producer] = struct{}{}
		a.next++
	}
}

func (a *aborted) hides(producer int64) bool {
	_, ok := a.open[producer]
	return ok
}

func (a *aborted) end(producer int64) { delete(a.open, producer) }
