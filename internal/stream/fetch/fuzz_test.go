package fetch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
)

// FuzzResponse reads any bytes as a response: no panic, and no more memory than
// there are bytes.
func FuzzResponse(f *testing.F) {
	raw := batchOf(100, 2)
	txn := kmsg.FetchResponseTopicPartitionAbortedTransaction{ProducerID: 5, FirstOffset: 6}
	f.Add(given(77, nil, answer("a", gives(3, 0, raw, txn)), answer("b", gives(0, 6, nil))))
	f.Add(given(77, nil, answer("b", gives(0, 0, nil))))
	f.Fuzz(func(t *testing.T, frame []byte) {
		if len(frame) >= 8 {
			frame = append(binary.BigEndian.AppendUint32(nil, uint32(len(frame)-4)), frame[4:]...)
		}
		x := asked("a/3@100", "b/0@300")
		_, err := x.RawExchange(&pipe{Reader: bytes.NewReader(frame)})
		for i := range x.parts {
			p := &x.parts[i]
			if cap(p.set.Raw.Bytes) > 2*len(frame)+512 || len(p.set.Raw.Aborted) > len(frame)/16 {
				t.Fatalf("%d bytes of a frame of %d", cap(p.set.Raw.Bytes), len(frame))
			}
			if err == nil && p.answered {
				p.set.Open(p.offset)
				readAll(t, p.set, p.offset)
			}
		}
	})
}

// readAll reads a set to its end, or to a damaged place, which stays. Its offsets rise, up to Next.
func readAll(t *testing.T, s *records.Set, at int64) {
	var r records.Record
	for {
		ok, err := s.Read(t.Context(), &r)
		if err != nil {
			staysCorrupt(t, s, at, err)
			return
		}
		if !ok {
			return
		}
		if r.Offset < at || r.Next() > s.Next {
			t.Fatalf("offsets %d to %d in [%d,%d)", r.Offset, r.Next(), at, s.Next)
		}
		at = r.Next()
	}
}

// staysCorrupt: an error is that of a place not before at, and comes again.
func staysCorrupt(t *testing.T, s *records.Set, at int64, err error) {
	var corrupt *records.Corrupt
	if !errors.As(err, &corrupt) || corrupt.Offset < at {
		t.Fatalf("at %d: %v", at, err)
	}
	if ok, again := s.Read(t.Context(), new(records.Record)); ok || !errors.Is(again, err) {
		t.Fatalf("at %d: first %v, then %v, %v", at, err, ok, again)
	}
}
