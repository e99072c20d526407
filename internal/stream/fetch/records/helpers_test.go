package records

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"go.uber.org/goleak"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records/recordstest"
)

// number makes n records of offsets first, first+1, ... and times 1000, 1001, ...
func number(first int64, n int) []Record {
	records := make([]Record, n)
	for i := range records {
		o := first + int64(i)
		records[i] = Record{Offset: o, Timestamp: 1000 + int64(i), Key: fmt.Appendf(nil, "k%d", o), Value: fmt.Appendf(nil, "v%d", o)}
	}
	return records
}

// packed makes a batch of records, to be changed before append.
func packed(records ...Record) *batch {
	h := &batch{
		count: int32(len(records)), producer: -1,
		first: records[0].Offset, last: records[len(records)-1].Offset,
		base: records[0].Timestamp, newest: records[len(records)-1].Timestamp,
	}
	for i := range records {
		h.payload = appendRecord(h.payload, h, &records[i])
	}
	return h
}

// in makes the batch one of a transaction.
func (h *batch) in(producer int64) *batch {
	h.producer, h.attrs = producer, h.attrs|attrTransactional
	return h
}

const (
	abort  = 0
	commit = 1
)

// marker makes the control batch that ends a producer's transaction.
func marker(offset, producer int64, kind uint16) *batch {
	h := packed(Record{Offset: offset, Timestamp: 1, Key: binary.BigEndian.AppendUint16([]byte{0, 0}, kind), Value: []byte{0, 0, 0, 0, 0, 0}})
	h.attrs |= attrControl
	return h.in(producer)
}

// squeezed returns the batch with its records compressed.
func (h *batch) squeezed(codec int16) *batch {
	c := *h
	c.attrs |= codec
	c.payload = squeeze(codec, h.payload)
	return &c
}

func squeeze(codec int16, b []byte) []byte {
	var out bytes.Buffer
	switch codec {
	case codecGzip:
		write(gzip.NewWriter(&out), b)
	case codecSnappy:
		return snappy.Encode(nil, b)
	case codecLZ4:
		write(lz4.NewWriter(&out), b)
	case codecZstd:
		w, err := zstd.NewWriter(&out)
		if err != nil {
			panic(err)
		}
		write(w, b)
	default:
		return b
	}
	return out.Bytes()
}

func write(w io.WriteCloser, b []byte) {
	if _, err := w.Write(b); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
}

// xerial makes the stream Java's producer writes, in blocks of n bytes.
func xerial(b []byte, n int) []byte {
	out := append(bytes.Clone(xerialMagic), 0, 0, 0, 1, 0, 0, 0, 1)
	for len(b) > 0 {
		n = min(n, len(b))
		block := snappy.Encode(nil, b[:n])
		out = append(binary.BigEndian.AppendUint32(out, uint32(len(block))), block...)
		b = b[n:]
	}
	return out
}

// set makes a set of batches, asked for from offset from on.
func set(from int64, batches ...*batch) *Set {
	var raw []byte
	for _, b := range batches {
		raw = b.append(raw)
	}
	return setOf(from, raw)
}

// setOf makes a set of bytes.
func setOf(from int64, raw []byte) *Set {
	s := NewSet("t", 3, NewDecoder())
	s.Raw.Bytes = raw
	s.Open(from)
	return s
}

// read writes the records of a set as "offset:time:key=value", and its error.
func read(s *Set) string {
	var out []byte
	var r Record
	for {
		ok, err := s.Read(context.Background(), &r)
		if err != nil {
			return string(fmt.Appendf(out, "error %v", err))
		}
		if !ok {
			return string(bytes.TrimSpace(out))
		}
		if r.Fault != nil {
			out = fmt.Appendf(out, "{%s to %d: %v}", faultNames[r.Fault.Kind], r.Fault.Next, r.Fault)
		}
		out = fmt.Appendf(out, "%d:%d:%s=%s", r.Offset, r.Timestamp, recordstest.Show(r.Key), recordstest.Show(r.Value))
		for _, h := range r.Headers {
			out = fmt.Appendf(out, "[%s=%s]", recordstest.Show(h.Key), recordstest.Show(h.Value))
		}
		out = append(out, ' ')
	}
}

var faultNames = map[FaultKind]string{TooLarge: "too large", Unreadable: "unreadable", Surplus: "surplus"}

// inflate decompresses a batch, piece by piece.
func inflate(d *Decoder, codec int16, src []byte) (all []byte, err error) {
	rest, err := d.open(codec, src)
	for err == nil {
		all = append(all, rest...)
		rest, err = d.more(context.Background(), rest[len(rest):], 1)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return all, err
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
