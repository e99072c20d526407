package records

import (
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records/recordstest"
)

// appendBatch appends one record batch, uncompressed and outside transactions, of one or more
// records in rising order of offset. A set reads it.
func appendBatch(dst []byte, records []Record) []byte {
	if len(records) == 0 {
		panic("BUG: a batch without records")
	}
	h := batch{
		count:    int32(len(records)),
		first:    records[0].Offset,
		last:     records[len(records)-1].Offset,
		base:     records[0].Timestamp,
		newest:   records[0].Timestamp,
		producer: -1,
	}
	for i := range records {
		h.newest = max(h.newest, records[i].Timestamp)
		h.payload = appendRecord(h.payload, &h, &records[i])
	}
	return h.append(dst)
}

// append appends the batch; size, crc and protected are made, not read.
func (h *batch) append(dst []byte) []byte {
	at := len(dst)
	dst = binary.BigEndian.AppendUint64(dst, uint64(h.first))
	dst = binary.BigEndian.AppendUint32(dst, uint32(batchHeader-batchPrefix+len(h.payload)))
	dst = append(dst, 0, 0, 0, 0) // leader epoch
	dst = append(dst, 2)          // magic
	dst = append(dst, 0, 0, 0, 0) // crc, below
	dst = binary.BigEndian.AppendUint16(dst, uint16(h.attrs))
	dst = binary.BigEndian.AppendUint32(dst, uint32(h.last-h.first))
	dst = binary.BigEndian.AppendUint64(dst, uint64(h.base))
	dst = binary.BigEndian.AppendUint64(dst, uint64(h.newest))
	dst = binary.BigEndian.AppendUint64(dst, uint64(h.producer))
	dst = append(dst, 0, 0, 0xff, 0xff, 0xff, 0xff) // producer epoch, first sequence
	dst = binary.BigEndian.AppendUint32(dst, uint32(h.count))
	dst = append(dst, h.payload...)
	sum := crc32.Checksum(dst[at+batchAttrsAt:], castagnoli)
	binary.BigEndian.PutUint32(dst[at+batchCRCAt:], sum)
	return dst
}

func appendRecord(dst []byte, h *batch, r *Record) []byte {
	b := []byte{0} // attributes
	b = binary.AppendVarint(b, r.Timestamp-h.base)
	b = binary.AppendVarint(b, r.Offset-h.first)
	b = appendField(b, r.Key)
	b = appendField(b, r.Value)
	b = binary.AppendVarint(b, int64(len(r.Headers)))
	for _, x := range r.Headers {
		b = binary.AppendVarint(b, int64(len(x.Key)))
		b = append(b, x.Key...)
		b = appendField(b, x.Value)
	}
	return append(binary.AppendVarint(dst, int64(len(b))), b...)
}

func appendField(b, v []byte) []byte {
	if v == nil {
		return binary.AppendVarint(b, -1)
	}
	return append(binary.AppendVarint(b, int64(len(v))), v...)
}

func TestAppendBatch(t *testing.T) {
	records := []Record{
		{Offset: 100, Timestamp: 50, Key: []byte("a"), Value: []byte("x"), Headers: []Header{{Key: []byte("h")}}},
		{Offset: 105, Timestamp: 70},
		{Offset: 106, Timestamp: 60, Key: []byte{}},
	}
	raw := appendBatch(nil, records)
	raw = appendBatch(raw, number(200, 1))
	s := setOf(100, raw)
	recordstest.Equal(t, "records", read(s), "100:50:a=x[h=null] 105:70:null=null 106:60:=null 200:1000:k200=v200")
	recordstest.Equal(t, "next", s.Next, 201)
	h, err := parseBatch(raw)
	if err != nil || h.newest != 70 {
		t.Errorf("largest timestamp %d, error %v", h.newest, err)
	}
}
