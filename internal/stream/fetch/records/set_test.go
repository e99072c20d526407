package records

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records/recordstest"
)

func TestRead(t *testing.T) {
	f := func(what string, s *Set, next int64, want string) {
		t.Helper()
		recordstest.Equal(t, what, read(s), want)
		recordstest.Equal(t, what+": next", s.Next, next)
	}
	r := number(10, 4)

	f("no batch", set(7), 7, "")
	f("one", set(10, packed(r[0])), 11, "10:1000:k10=v10")
	f("several", set(10, packed(r[0], r[1]), packed(r[2], r[3])), 14,
		"10:1000:k10=v10 11:1001:k11=v11 12:1002:k12=v12 13:1003:k13=v13")
	f("asked for from within a batch", set(12, packed(r...)), 14, "12:1002:k12=v12 13:1003:k13=v13")
	f("a whole batch below", set(12, packed(r[0], r[1]), packed(r[2])), 13, "12:1002:k12=v12")
	f("only below", set(20, packed(r[0])), 20, "")

	// Compaction leaves holes: in a batch, at its ends, and whole batches without records.
	f("a hole", set(10, packed(r[0], r[3])), 14, "10:1000:k10=v10 13:1003:k13=v13")
	tail := packed(r[1], r[2])
	tail.first, tail.last = 10, 20
	tail.payload = appendRecord(appendRecord(nil, tail, &r[1]), tail, &r[2])
	f("ends cut off", set(10, tail, packed(number(21, 1)...)), 22, "11:1001:k11=v11 12:1002:k12=v12 21:1000:k21=v21")
	f("asked for from a hole", set(15, tail), 21, "")
	f("empty batch", set(10, &batch{first: 10, last: 29, producer: -1}), 30, "")

	null := Record{Offset: 5, Timestamp: -1}
	empty := Record{Offset: 6, Timestamp: -1, Key: []byte{}, Value: []byte{}}
	f("null and empty", set(0, packed(null, empty)), 7, "5:-1:null=null 6:-1:=")
	heads := Record{Offset: 1, Headers: []Header{{[]byte("a"), []byte("1")}, {[]byte(""), nil}}}
	f("headers, then none", set(0, packed(heads, Record{Offset: 2})), 3, "1:0:null=null[a=1][=null] 2:0:null=null")

	stamped := packed(r[0], r[1])
	stamped.attrs |= attrAppendTime
	stamped.newest = 777
	f("log append time", set(10, stamped), 12, "10:777:k10=v10 11:777:k11=v11")
	far := []Record{{Offset: 1, Timestamp: 1 << 50}, {Offset: 1 << 30, Timestamp: 5}}
	f("large deltas", set(0, packed(far...)), 1<<30+1, "1:1125899906842624:null=null 1073741824:5:null=null")
}

func TestReadCommitted(t *testing.T) {
	f := func(what string, s *Set, txns []Aborted, next int64, want string) {
		t.Helper()
		s.Raw.Aborted = txns
		s.Open(s.at)
		recordstest.Equal(t, what, read(s), want)
		recordstest.Equal(t, what+": next", s.Next, next)
	}
	one := func(o int64) *batch { return packed(number(o, 1)...) }

	f("committed", set(0, one(0).in(7), marker(1, 7, commit), one(2)), nil, 3, "0:1000:k0=v0 2:1000:k2=v2")
	f("aborted", set(0, one(0).in(7), marker(1, 7, abort), one(2)), []Aborted{{7, 0}}, 3, "2:1000:k2=v2")
	f("aborted, then committed by the same producer",
		set(0, one(0).in(7), marker(1, 7, abort), one(2).in(7), marker(3, 7, commit)), []Aborted{{7, 0}}, 4, "2:1000:k2=v2")
	f("committed, then aborted by the same producer",
		set(0, one(0).in(7), marker(1, 7, commit), one(2).in(7), marker(3, 7, abort)), []Aborted{{7, 2}}, 4, "0:1000:k0=v0")
	f("two producers between each other, listed out of order",
		set(0, one(0).in(7), one(1).in(8), one(2).in(7), marker(3, 8, abort), one(4).in(8), marker(5, 7, abort), marker(6, 8, commit)),
		[]Aborted{{8, 1}, {7, 0}}, 7, "4:1000:k4=v4")
	f("begun before the set", set(5, one(5).in(7), marker(6, 7, abort)), []Aborted{{7, 1}}, 7, "")
	f("the set ends before the marker", set(5, one(5).in(7)), []Aborted{{7, 5}}, 6, "")
	plain := one(0)
	plain.producer = 7
	f("idempotent, not transactional", set(0, plain), []Aborted{{7, 0}}, 1, "0:1000:k0=v0")
	f("marker without records, of a compacted log",
		set(0, one(0).in(7), &batch{first: 1, last: 1, producer: 7, attrs: attrControl | attrTransactional}, one(2).in(7)), []Aborted{{7, 0}}, 3, "")
	f("asked for after the marker", set(2, one(2).in(7), marker(3, 7, commit)), nil, 4, "2:1000:k2=v2")
	noid := marker(0, 0, commit)
	noid.producer, noid.attrs = -1, attrControl
	f("control batch of no producer", set(0, noid, one(1)), nil, 2, "1:1000:k1=v1")
	f("squeezed marker", set(0, one(0).in(7), marker(1, 7, abort).squeezed(codecGzip), one(2).in(7)), []Aborted{{7, 0}}, 3, "2:1000:k2=v2")
}

// TestReadBad breaks a set of two batches, offsets 10-11 and 12-13, at a place.
func TestReadBad(t *testing.T) {
	r := number(10, 4)
	size := len(packed(r[0], r[1]).append(nil))
	second := "10:1000:k10=v10 11:1001:k11=v11 error read t/3 at offset 12: "
	f := func(what string, change func(h *batch, raw []byte) []byte, want string) {
		t.Helper()
		h := packed(r[2], r[3])
		raw := packed(r[0], r[1]).append(nil)
		raw = change(h, raw)
		if len(raw) == size {
			raw = h.append(raw)
		}
		s := setOf(10, raw)
		recordstest.Equal(t, what, read(s), want)
		if _, err := s.Read(t.Context(), &Record{}); s.err != err {
			t.Errorf("%s: the error does not stay: %v", what, err)
		}
	}
	raw := func(change func(b []byte)) func(*batch, []byte) []byte {
		return func(h *batch, raw []byte) []byte {
			raw = h.append(raw)
			change(raw[size:])
			return raw
		}
	}
	header := func(change func(h *batch)) func(*batch, []byte) []byte {
		return func(h *batch, raw []byte) []byte { change(h); return raw }
	}

	f("a bit of the value", raw(func(b []byte) { b[len(b)-3] ^= 1 }), second+"crc of the batch of offset 12 does not match")
	f("a bit of the header", raw(func(b []byte) { b[batchCountAt+3] ^= 1 }), second+"crc of the batch of offset 12 does not match")
	f("old format", raw(func(b []byte) { b[batchMagicAt] = 1 }), second+"message format v1, from before Kafka 0.11, is not supported")
	f("newer format", raw(func(b []byte) { b[batchMagicAt] = 3 }), second+"unknown record format 3")
	f("short", raw(func(b []byte) { binary.BigEndian.PutUint32(b[batchLengthAt:], 48) }), second+"batch of 48 bytes: out of range")
	f("negative", raw(func(b []byte) { b[batchLengthAt] = 0xff }), second+"batch of -16777141 bytes: out of range")
	f("order", header(func(h *batch) { h.first, h.last = 11, 12 }), second+"batch of offset 11 stands behind offset 11")
	f("negative offset", header(func(h *batch) { h.first = -1 }), second+"batch of offsets -1+14: out of range")
	f("last offset", header(func(h *batch) { h.first, h.last = math.MaxInt64-1, math.MaxInt64 }), second+"batch of offsets 9223372036854775806+1: out of range")
	f("negative count", header(func(h *batch) { h.count = -1 }), second+"batch of -1 records")
	f("codec", header(func(h *batch) { h.attrs = 7 }), second+"batch of offset 12: unknown compression codec 7")
	f("codec of a marker", header(func(h *batch) { h.attrs |= attrControl; h.producer = 7; h.attrs |= 7 }), second+"control batch of offset 12: unknown compression codec 7")
	f("marker without a key", header(func(h *batch) { h.attrs |= attrControl; h.producer = 7; h.payload = []byte{2, 0} }), second+"control batch of offset 12: record does not fit its batch")
}

// TestReadBadOffset damages the offset of a batch, which no CRC protects. A batch that does not
// follow the batch before it is not read, nor one far after the log's end.
func TestReadBadOffset(t *testing.T) {
	f := func(what string, at int, want string) {
		t.Helper()
		r := number(10, 6)
		batches := []*batch{packed(r[0], r[1]), packed(r[2], r[3]), packed(r[4], r[5])}
		batches[at].first += 1 << 40
		batches[at].last += 1 << 40
		s := set(10, batches...)
		s.HighWatermark = 16
		if at < 2 {
			s.HighWatermark = 0
		}
		s.Open(10)
		recordstest.Equal(t, what, read(s), want)
	}
	two := "10:1000:k10=v10 11:1001:k11=v11 "
	f("of the first", 0, "error read t/3 at offset 10: batch of offset 1099511627786 stands before offset 12")
	f("of the second", 1, two+"error read t/3 at offset 12: batch of offset 1099511627788 stands before offset 14")
	f("of the last", 2, two+"12:1002:k12=v12 13:1003:k13=v13 error read t/3 at offset 14: batch of offset 1099511627790 in a log that ends at 16")
}

// TestReadTruncated cuts a set at every length: whole batches are read, the rest
// is ignored.
func TestReadTruncated(t *testing.T) {
	r := number(10, 4)
	raw := packed(r[0], r[1]).append(nil)
	first := len(raw)
	raw = packed(r[2], r[3]).append(raw)
	for n := range raw {
		s := setOf(10, raw[:n:n])
		got, want, next := read(s), "", int64(10)
		if n >= first {
			want, next = "10:1000:k10=v10 11:1001:k11=v11", 12
		}
		if got != want || s.Next != next {
			t.Fatalf("cut at %d: %q, next %d", n, got, s.Next)
		}
	}
}

// TestReadFlips flips every bit of a set: no panic, and no record that was not there.
func TestReadFlips(t *testing.T) {
	r := number(10, 3)
	raw := packed(r[2]).squeezed(codecLZ4).append(packed(r[0], r[1]).append(nil))
	was := read(setOf(10, raw))
	for i := range len(raw) * 8 {
		raw[i/8] ^= 1 << (i % 8)
		var rec Record
		for s := setOf(10, raw); ; {
			ok, err := s.Read(t.Context(), &rec)
			if !ok || err != nil {
				break
			}
			if want := "k" + string(rec.Value[1:]); string(rec.Key) != want {
				t.Fatalf("bit %d: key %q, value %q", i, rec.Key, rec.Value)
			}
		}
		raw[i/8] ^= 1 << (i % 8)
	}
	recordstest.Equal(t, "as it was", read(setOf(10, raw)), was)
}

func TestReadAllocs(t *testing.T) {
	heads := []Header{{[]byte("h"), []byte("v")}}
	for _, codec := range []int16{codecNone, codecGzip, codecSnappy, codecLZ4, codecZstd} {
		records := number(0, 1000)
		for i := range records {
			records[i].Headers = heads
		}
		raw := packed(records...).squeezed(codec).append(nil)
		s := setOf(0, raw)
		var r Record
		per := testing.AllocsPerRun(10, func() {
			s.Open(0)
			for ok := true; ok; ok, _ = s.Read(t.Context(), &r) {
			}
		})
		if s.err != nil || r.Offset != 999 || per > 10 { // of some codecs, for each batch
			t.Errorf("codec %d: %v allocations for 1000 records, last %d, error %v", codec, per, r.Offset, s.err)
		}
	}
}
