package records

import (
	"encoding/binary"
	"testing"
)

// TestReadHuge: a batch that is too large to be held gives its offsets, as one record with a fault.
// What is no batch is damage.
func TestReadHuge(t *testing.T) {
	f := func(what string, from int64, h *batch, aborted []Aborted, change func(b []byte), next int64, kind FaultKind, want string) {
		t.Helper()
		raw := h.append(nil)
		binary.BigEndian.PutUint32(raw[batchLengthAt:], MaxBatch+1)
		if change != nil {
			change(raw)
		}
		s := NewSet("t", 3, NewDecoder())
		s.Raw.Bytes, s.Raw.Oversized, s.Raw.Aborted = raw[:batchHeader], MaxBatch+1+batchPrefix, aborted
		s.Open(from)
		var r Record
		got := ""
		more, err := s.Read(t.Context(), &r)
		switch {
		case err != nil:
			got = err.Error()
		case more && r.Fault.Kind == kind:
			got = r.Fault.Error()
		case more:
			got = "another kind"
		}
		if got != want || s.Next != next {
			t.Errorf("%s: %q, next %d; want %q, %d", what, got, s.Next, want, next)
		}
		if more, err = s.Read(t.Context(), &r); more || (err != nil) != (s.bad != nil) {
			t.Errorf("%s: then %v, %v", what, more, err)
		}
	}
	const why = ": the batch is larger than 67108864 bytes; see to it that max.message.bytes of the topic is no more"
	r := number(10, 3)
	f("three records", 10, packed(r...), nil, nil, 13, Unreadable, "of the batch of offsets 10 to 12 those from 10 on are not read"+why)
	f("asked for within", 11, packed(r...), nil, nil, 13, Unreadable, "of the batch of offsets 10 to 12 those from 11 on are not read"+why)
	f("one record", 10, packed(r[0]), nil, nil, 11, TooLarge, "of the batch of offsets 10 to 10 those from 10 on are not read"+why)
	f("aborted", 10, packed(r...).in(7), []Aborted{{7, 10}}, nil, 13, 0, "")
	const none = "read t/3 at offset 10: a record set that is too large does not begin with a batch"
	f("another format", 10, packed(r...), nil, func(b []byte) { b[batchMagicAt] = 1 }, 10, 0, none)
	f("a length that is not so large", 10, packed(r...), nil, func(b []byte) { binary.BigEndian.PutUint32(b[batchLengthAt:], 100) }, 10, 0, none)
	f("a length that is larger than what came", 10, packed(r...), nil, func(b []byte) { binary.BigEndian.PutUint32(b[batchLengthAt:], 1<<30) }, 10, 0, none)
	f("before what was asked for", 10, packed(number(5, 3)...), nil, nil, 10, 0, none)
}

// TestScanHuge: a huge batch after others is left for the next fetch where the broker gave all it
// was asked for. It is damage where the broker gave less.
func TestScanHuge(t *testing.T) {
	r := number(10, 2)
	raw := packed(r[0]).append(nil)
	first := len(raw)
	raw = packed(r[1]).append(raw)
	binary.BigEndian.PutUint32(raw[first+batchLengthAt:], MaxBatch+1)
	for _, cut := range []bool{true, false} {
		if next, whole, err := scan(raw, 10, 0, cut); next != 11 || whole != first || (err == nil) != cut {
			t.Errorf("cut %v: next %d, %d bytes, error %v", cut, next, whole, err)
		}
	}
}
