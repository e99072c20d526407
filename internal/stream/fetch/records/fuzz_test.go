package records

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"testing"
)

// FuzzWalk walks any bytes as a record set. Their CRCs are put right, so that what comes after them
// is reached. Records must rise in offset from the offset asked for to Next. Errors must be
// *Corrupt and stay. What is read must not depend on where it was asked from, nor on the pieces in
// which batches are decompressed.
func FuzzWalk(f *testing.F) {
	r := number(10, 4)
	r[1].Headers = []Header{{[]byte("a"), []byte("1")}}
	r[2].Value = text(3000)
	for codec := range codecNames {
		raw := packed(r[0], r[1]).squeezed(codec).append(nil)
		raw = packed(r[2], r[3]).in(7).squeezed(codec).append(raw)
		f.Add(raw, int64(10), int64(7), int64(12), true)
		f.Add(marker(14, 7, abort).append(raw), int64(11), int64(7), int64(12), false)
		odd := packed(r[0], r[1], r[2])
		odd.last = 10
		f.Add(odd.squeezed(codec).append(nil), int64(10), int64(7), int64(12), true)
		odd.count, odd.last = 7, 16
		f.Add(odd.squeezed(codec).append(nil), int64(10), int64(7), int64(12), true)
	}
	f.Add(packed(r...).append(nil), int64(12), int64(-1), int64(0), true)
	f.Fuzz(func(t *testing.T, raw []byte, from, producer, first int64, mend bool) {
		if mend {
			raw = bytes.Clone(raw) // the fuzzer's own
			mendCRCs(raw)
		}
		s := setOf(from, raw)
		s.dec.batch, s.dec.record = 50_000, 2000
		s.Raw.Aborted = append(s.Raw.Aborted, Aborted{producer, first})
		s.Open(from)
		all, text := walkAll(t, s, from)
		mid := from
		if len(all) > 1 {
			mid = all[len(all)/2]
		}
		s.Open(mid)
		later, _ := walkAll(t, s, mid)
		if len(later) > len(all) || len(all) > 1 && len(later) != len(all)-len(all)/2 {
			t.Fatalf("%d records from %d on, %d from %d on", len(all), from, len(later), mid)
		}
		for _, s.dec.piece = range []int{7, 100, 3000} {
			s.Open(from)
			if _, pieces := walkAll(t, s, from); pieces != text {
				t.Fatalf("at once:\n%s\nin pieces of %d:\n%s", text, s.dec.piece, pieces)
			}
		}
	})
}

// walkAll returns the offsets of the records, except those that only stand for what was passed
// over, and all as a text.
func walkAll(t *testing.T, s *Set, from int64) (offsets []int64, text string) {
	var r Record
	var out []byte
	at := from
	for {
		ok, err := s.Read(t.Context(), &r)
		if err != nil {
			bad, is := errors.AsType[*Corrupt](err)
			if !is || bad.Offset < at || ok {
				t.Fatalf("error %v of %T after offset %d", err, err, at-1)
			}
			if _, again := s.Read(t.Context(), &r); again != err {
				t.Fatalf("error %v, then %v", err, again)
			}
			return offsets, string(out)
		}
		if !ok {
			return offsets, string(out)
		}
		if r.Offset < at || r.Next() > s.Next {
			t.Fatalf("offsets %d to %d in [%d,%d)", r.Offset, r.Next(), at, s.Next)
		}
		if at = r.Next(); at > r.Offset {
			offsets = append(offsets, r.Offset)
		}
		out = fmt.Appendf(out, "%d to %d: %d %q %q %q %v\n", r.Offset, at, r.Timestamp, r.Key, r.Value, r.Headers, r.Fault)
	}
}

func mendCRCs(raw []byte) {
	for len(raw) > batchHeader {
		n := batchPrefix + int(int32(binary.BigEndian.Uint32(raw[batchLengthAt:])))
		if n < batchHeader || n > len(raw) {
			return
		}
		binary.BigEndian.PutUint32(raw[batchCRCAt:], crc32.Checksum(raw[batchAttrsAt:n], castagnoli))
		raw = raw[n:]
	}
}
