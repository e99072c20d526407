//go:build slow

package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"hash/crc32"
	"io"
	"math"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Codecs as the attributes of a batch have them.
const (
	codecNone = iota
	codecGzip
	codecSnappy
	codecLz4
	codecZstd
)

// rawBatch is a record batch (magic 2) whose every field may be wrong, except its checksum.
type rawBatch struct {
	length       int32 // beside the right one
	magic        byte
	attrs        int16
	last         int32 // delta of the last offset
	base, newest int64 // timestamps
	producer     int64
	epoch        int16
	sequence     int32
	count        int32
	records      []byte
}

// batchOfNow is a sound batch of so many records.
func batchOfNow(count int, records []byte) rawBatch {
	now := time.Now().UnixMilli()
	return rawBatch{magic: 2, last: int32(count - 1), base: now, newest: now, producer: -1, epoch: -1, sequence: -1, count: int32(count), records: records}
}

func (b rawBatch) append(dst []byte) []byte {
	at := len(dst)
	dst = append(dst, zeros(8)...) // base offset
	dst = binary.BigEndian.AppendUint32(dst, uint32(49+int32(len(b.records))+b.length))
	dst = append(dst, 0xff, 0xff, 0xff, 0xff, b.magic, 0, 0, 0, 0) // leader epoch; checksum, below
	dst = binary.BigEndian.AppendUint16(dst, uint16(b.attrs))
	dst = binary.BigEndian.AppendUint32(dst, uint32(b.last))
	dst = binary.BigEndian.AppendUint64(dst, uint64(b.base))
	dst = binary.BigEndian.AppendUint64(dst, uint64(b.newest))
	dst = binary.BigEndian.AppendUint64(dst, uint64(b.producer))
	dst = binary.BigEndian.AppendUint16(dst, uint16(b.epoch))
	dst = binary.BigEndian.AppendUint32(dst, uint32(b.sequence))
	dst = binary.BigEndian.AppendUint32(dst, uint32(b.count))
	dst = append(dst, b.records...)
	binary.BigEndian.PutUint32(dst[at+17:], crc32.Checksum(dst[at+21:], crc32.MakeTable(crc32.Castagnoli)))
	return dst
}

// rawRecord is a record whose every length may be wrong.
type rawRecord struct {
	length         int64 // beside the right one
	attrs          byte
	time, offset   int64 // deltas
	keyLength      int64 // if key is nil
	key            []byte
	valueLength    int64 // if value is nil
	value          []byte
	headers        int64
	rest           []byte // the headers
	withoutHeaders bool
}

func (r rawRecord) append(dst []byte) []byte {
	b := []byte{r.attrs}
	b = binary.AppendVarint(b, r.time)
	b = binary.AppendVarint(b, r.offset)
	b = appendRaw(b, r.key, r.keyLength)
	b = appendRaw(b, r.value, r.valueLength)
	if !r.withoutHeaders {
		b = binary.AppendVarint(b, r.headers)
	}
	b = append(b, r.rest...)
	return append(binary.AppendVarint(dst, int64(len(b))+r.length), b...)
}

func appendRaw(dst, b []byte, length int64) []byte {
	if b == nil {
		return binary.AppendVarint(dst, length)
	}
	return append(binary.AppendVarint(dst, int64(len(b))), b...)
}

// plain is a sound record.
func (g *poisoner) plain(offset int64) rawRecord {
	return rawRecord{offset: offset, keyLength: -1, value: []byte(g.event())}
}

// stretch writes what becomes long: a head, zeros, a tail.
type stretch struct {
	head []byte
	n    int64
	tail []byte
}

func (s stretch) writeTo(w io.Writer) error {
	if _, err := w.Write(s.head); err != nil {
		return err
	}
	block := zeros(1 << 20)
	for left := s.n; left > 0; left -= int64(len(block)) {
		block = block[:min(int64(len(block)), left)]
		if _, err := w.Write(block); err != nil {
			return err
		}
	}
	_, err := w.Write(s.tail)
	return err
}

// compressed is what a codec makes of several stretches.
func compressed(codec int, list ...stretch) []byte {
	var out bytes.Buffer
	var w io.WriteCloser
	switch codec {
	case codecGzip:
		w = gzip.NewWriter(&out)
	case codecLz4:
		w = lz4.NewWriter(&out)
	case codecZstd:
		w, _ = zstd.NewWriter(&out) // without options there is no error
	default:
		var whole bytes.Buffer
		for _, s := range list {
			_ = s.writeTo(&whole) // to memory
		}
		if codec == codecSnappy {
			return s2.EncodeSnappy(nil, whole.Bytes())
		}
		return whole.Bytes()
	}
	for _, s := range list {
		_ = s.writeTo(w) // to memory
	}
	_ = w.Close()
	return out.Bytes()
}

// bomb is a batch of one record, which has something very long, and a good one.
func (g *poisoner) bomb(codec int, head []byte, n int64, tail []byte) payload {
	length := int64(len(head)) + n + int64(len(tail))
	b := batchOfNow(2, compressed(codec, stretch{append(binary.AppendVarint(nil, length), head...), n, tail}, stretch{head: g.plain(1).append(nil)}))
	b.attrs = int16(codec)
	return payload{batches: [][]byte{b.append(nil)}, each: 2, counted: 2}
}

// longest is how much a codec makes of what a topic of default settings takes.
func (g *poisoner) longest() (codec int, n int64) {
	codec = pick(g, codecGzip, codecSnappy, codecLz4, codecZstd)
	switch codec {
	case codecSnappy:
		return codec, 15 << 20
	case codecLz4:
		return codec, 200 << 20
	case codecGzip:
		return codec, int64(g.size(70<<20, 900<<20))
	default:
		return codec, int64(g.size(100<<20, 1900<<20))
	}
}

func (g *poisoner) valueBomb() payload {
	codec, n := g.longest()
	return g.bomb(codec, binary.AppendVarint([]byte{0, 0, 0, 1}, n), n, []byte{0}) // attributes, deltas, no key
}

func (g *poisoner) keyBomb() payload {
	codec, n := g.longest()
	return g.bomb(codec, binary.AppendVarint([]byte{0, 0, 0}, n), n, []byte{1, 0})
}

// headerBomb is a record with headers that are two zeros each: no name, no value.
func (g *poisoner) headerBomb() payload {
	codec, n := g.longest()
	value := pick(g, g.event(), "x")
	head := append(binary.AppendVarint([]byte{0, 0, 0, 1}, int64(len(value))), value...)
	return g.bomb(codec, binary.AppendVarint(head, n/2), n/2*2, nil)
}

// recordBomb is a batch of very many records that have nothing.
func (g *poisoner) recordBomb() payload {
	n := g.size(50_000, 200_000)
	var records []byte
	for i := range n {
		records = rawRecord{offset: int64(i), keyLength: -1, valueLength: -1}.append(records)
	}
	codec := pick(g, codecGzip, codecZstd, codecLz4)
	b := batchOfNow(n, compressed(codec, stretch{head: records}))
	b.attrs = int16(codec)
	return payload{batches: [][]byte{b.append(nil)}, each: n, counted: n}
}

// unknown are batches for which it is not known what a broker and a reader make of them.
func unknown(batches ...[]byte) payload { return payload{batches: batches, counted: -1} }

func (g *poisoner) brokenCompression() payload {
	var list [][]byte
	for range 20 {
		codec := pick(g, codecGzip, codecSnappy, codecLz4, codecZstd)
		whole := compressed(codec, stretch{head: g.plain(1).append(g.plain(0).append(nil))})
		switch g.rng.IntN(4) {
		case 0:
			whole = whole[:g.rng.IntN(len(whole))]
		case 1:
			whole[g.rng.IntN(len(whole))] ^= 1 << g.rng.IntN(8)
		case 2:
			whole = append(whole, whole...)
		default:
			whole = append(whole, g.text()...)
		}
		b := batchOfNow(2, whole)
		b.attrs = int16(pick(g, codec, codec, codec, codecNone, 5, 6, 7, codecZstd))
		list = append(list, b.append(nil))
	}
	return unknown(list...)
}

func (g *poisoner) oddOffsets() payload {
	var list [][]byte
	for _, offsets := range [][]int64{{0, 0}, {0, 7}, {-1, 1}, {1, 0}, {0, 1 << 31}, {0, math.MaxInt64}, {math.MinInt64, 0}, {5, 6, 7}, {0, 0, 0, 1}, {2, 1, 0}, {-3, -2, -1}} {
		var records []byte
		for _, o := range offsets {
			records = g.plain(o).append(records)
		}
		list = append(list, batchOfNow(len(offsets), records).append(nil))
	}
	g.rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return unknown(list...)
}

// oddBatches are batches with one wrong field of the header.
func (g *poisoner) oddBatches() payload {
	var list [][]byte
	for range 40 {
		b := batchOfNow(2, g.plain(1).append(g.plain(0).append(nil)))
		switch g.rng.IntN(11) {
		case 0:
			b.attrs = int16(1 << g.rng.IntN(16))
		case 1:
			b.last = pick[int32](g, -1, 0, 2, 100, math.MaxInt32, math.MinInt32)
		case 2:
			b.count = pick[int32](g, -1, 0, 1, 3, 1_000_000, math.MaxInt32)
		case 3:
			b.base = pick[int64](g, -1, 0, math.MinInt64, math.MaxInt64, -2, 1e10)
		case 4:
			b.newest = pick[int64](g, -1, 0, math.MinInt64, math.MaxInt64)
		case 5:
			b.producer, b.epoch, b.sequence = g.rng.Int64N(1000)+5000, int16(g.rng.IntN(4)), 0
		case 6:
			b.attrs, b.producer, b.epoch = 0x10, 77, 0 // of a transaction that was never begun
		case 7:
			b.attrs, b.producer, b.epoch = 0x30, 78, 0 // the end of one
		case 8:
			b.length = pick[int32](g, -1, 1, -40, 1000, math.MaxInt32-1000)
		case 9:
			b.magic = pick[byte](g, 0, 1, 3, 255)
		default:
			b.records = append(b.records, g.text()...)
		}
		list = append(list, b.append(nil))
	}
	return unknown(list...)
}

// oddRecords are records with one wrong field, in a batch as it is and in a compressed one.
func (g *poisoner) oddRecords() payload {
	var list [][]byte
	odd := func() int64 {
		return pick[int64](g, -1, -2, 0, 1, 5, 1000, 1<<20, 1<<30, math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64)
	}
	for range 60 {
		r := g.plain(0)
		switch g.rng.IntN(9) {
		case 0:
			r.length = odd()
		case 1:
			r.attrs = byte(g.rng.Uint32())
		case 2:
			r.time = odd()
		case 3:
			r.keyLength = odd()
		case 4:
			r.value, r.valueLength = nil, odd()
		case 5:
			r.headers = odd()
		case 6:
			r.headers, r.rest = 1, binary.AppendVarint(binary.AppendVarint(nil, odd()), odd())
		case 7:
			r.withoutHeaders = true
		default:
			r.rest = []byte(g.text())
		}
		codec := pick(g, codecNone, codecNone, codecGzip, codecZstd)
		b := batchOfNow(2, compressed(codec, stretch{head: g.plain(1).append(r.append(nil))}))
		b.attrs = int16(codec)
		list = append(list, b.append(nil))
	}
	return unknown(list...)
}
