package records

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
)

// Where the fields of a record batch (magic 2) stand, by Kafka's
// DefaultRecordBatch. The CRC covers everything from the attributes on.
const (
	batchLengthAt = 8  // int32, bytes that follow it
	batchMagicAt  = 16 // int8
	batchCRCAt    = 17
	batchAttrsAt  = 21 // int16
	batchLastAt   = 23 // int32, delta of the last offset
	batchBaseAt   = 27 // int64, timestamp that records count from
	batchMaxAt    = 35 // int64, largest timestamp
	batchPIDAt    = 43 // int64, -1 without a producer id
	batchCountAt  = 57 // int32
	batchHeader   = 61

	batchPrefix = 12 // base offset and length stand before what the length counts
)

const (
	attrCodec         = 0x07
	attrAppendTime    = 0x08
	attrTransactional = 0x10
	attrControl       = 0x20
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)

	errShort = errors.New("batch is not whole") // the set was cut at the limit of the fetch
	errHuge  = fmt.Errorf("the batch is larger than %d bytes; see to it that max.message.bytes of the topic is no more", MaxBatch)
)

// batch is the header of a record batch.
type batch struct {
	size      int // of the whole batch, in bytes
	attrs     int16
	count     int32
	first     int64 // offset that records count from
	last      int64 // offset of the last record there was, even if compaction removed it
	base      int64 // timestamp that records count from
	newest    int64 // largest timestamp
	producer  int64
	payload   []byte
	crc       uint32
	protected []byte // what the CRC is of
}

// parseBatch reads the header of the batch that b starts with. errShort means
// that b ends within the batch, errHuge that it is larger than MaxBatch.
func parseBatch(b []byte) (batch, error) {
	if len(b) <= batchMagicAt {
		return batch{}, errShort
	}
	length := int(int32(binary.BigEndian.Uint32(b[batchLengthAt:])))
	if magic := b[batchMagicAt]; magic < 2 {
		return batch{}, fmt.Errorf("message format v%d, from before Kafka 0.11, is not supported", magic)
	} else if magic > 2 {
		return batch{}, fmt.Errorf("unknown record format %d", magic)
	}
	if length < batchHeader-batchPrefix {
		return batch{}, fmt.Errorf("batch of %d bytes: out of range", length)
	}
	if length > MaxBatch {
		return batch{}, errHuge
	}
	if len(b) < batchPrefix+length {
		return batch{}, errShort
	}
	return parseWhole(b[:batchPrefix+length])
}

func parseWhole(b []byte) (batch, error) {
	h := batch{
		size:      len(b),
		attrs:     int16(binary.BigEndian.Uint16(b[batchAttrsAt:])),
		count:     int32(binary.BigEndian.Uint32(b[batchCountAt:])),
		first:     int64(binary.BigEndian.Uint64(b)),
		base:      int64(binary.BigEndian.Uint64(b[batchBaseAt:])),
		newest:    int64(binary.BigEndian.Uint64(b[batchMaxAt:])),
		producer:  int64(binary.BigEndian.Uint64(b[batchPIDAt:])),
		payload:   b[batchHeader:],
		crc:       binary.BigEndian.Uint32(b[batchCRCAt:]),
		protected: b[batchAttrsAt:],
	}
	delta := int32(binary.BigEndian.Uint32(b[batchLastAt:]))
	if h.first < 0 || delta < 0 || h.first >= math.MaxInt64-int64(delta) {
		return batch{}, fmt.Errorf("batch of offsets %d+%d: out of range", h.first, delta)
	}
	if h.count < 0 {
		return batch{}, fmt.Errorf("batch of %d records", h.count)
	}
	h.last = h.first + int64(delta)
	return h, nil
}

func (h *batch) sound() bool         { return crc32.Checksum(h.protected, castagnoli) == h.crc }
func (h *batch) codec() int16        { return h.attrs & attrCodec }
func (h *batch) appendTime() bool    { return h.attrs&attrAppendTime != 0 }
func (h *batch) transactional() bool { return h.attrs&attrTransactional != 0 }
func (h *batch) control() bool       { return h.attrs&attrControl != 0 }
