package windows

import (
	"encoding/binary"
	"fmt"
	"math"
)

// The bytes of a part:
//
//	format      1 byte: partFormat
//	generation  number (see Subject.generations)
//	history     edition; 1 byte: 1 if wide, otherwise 0; number of a bucket; the closed buckets, counted back from it
//	chunk       number of the newest bucket; the members
//
// The record names the parts there are, and is written in the same commit as they are. A key may
// still hold bytes of an earlier generation (of a set that emptied and grew again, of a subject
// that was deleted). They are never read. A part is read only if the record has it, and from the
// commit on in which the record got it, the key holds that part.
//
// Generation and edition are compared all the same: a record and a part are read one after the
// other, and another process may commit in between.
const partFormat = 1

// openPart reads the front of a part.
func openPart(value []byte, generation uint64) (decoder, error) {
	if value == nil {
		return decoder{}, fmt.Errorf("absent: %w", ErrMissingPart)
	}
	d := decoder{b: value}
	if f := d.byte(); d.err == nil && f != partFormat {
		d.fail("format %d", f)
	}
	if g := d.uvarint(math.MaxUint64); d.err == nil && g != generation {
		return d, fmt.Errorf("of life %d, not %d: %w", g, generation, ErrMissingPart)
	}
	return d, d.err
}

// appendHistory appends the closed buckets.
func (c body) appendHistory(dst []byte) []byte {
	closed := c.buckets.closed()
	wide := closed.wide()
	dst = binary.AppendUvarint(dst, c.history.generation)
	dst = binary.AppendUvarint(dst, c.history.edition)
	dst = append(dst, 0)
	if wide {
		dst[len(dst)-1] = 1
	}
	newest := c.buckets.newest()
	dst = binary.AppendVarint(dst, newest)
	return c.spec.appendClosed(dst, newest, closed, wide)
}

// loadHistory takes the bytes of the history part.
func (c body) loadHistory(value []byte) error {
	d, err := openPart(value, c.history.generation)
	if err != nil {
		return err
	}
	edition := d.uvarint(math.MaxUint64)
	if d.err == nil && edition != c.history.edition {
		return fmt.Errorf("edition %d, not %d: %w", edition, c.history.edition, ErrMissingPart)
	}
	wide := d.uvarint(1) == 1
	from := d.bucket()
	bs := c.spec.decodeClosed(&d, from, wide)
	d.end()
	switch {
	case d.err != nil:
	case wide && c.spec.Op != Weighted:
		d.fail("wide")
	case bs.newest() >= c.buckets.newest():
		d.fail("closed bucket %d, newest %d", bs.newest(), c.buckets.newest())
	}
	if d.err != nil {
		return d.err
	}
	// What left the window since the part was written no longer counts for the sum's limit.
	was := c.buckets
	c.buckets = append(bs[bs.expired(c.lowest()):], was...)
	if c.sum(&d); d.err != nil {
		c.buckets = was
		return d.err
	}
	c.history.missing = false
	return nil
}

// appendChunk appends chunk at; members that left the window are dropped.
func (c body) appendChunk(dst []byte, at int) []byte {
	dst = binary.AppendUvarint(dst, c.members.generation)
	k := c.members.chunks[at]
	k.sweep(c.lowest())
	newest := k.newest()
	dst = binary.AppendVarint(dst, newest)
	return k.appendMembers(dst, newest)
}

// bucket reads the number of a bucket, with room below for a window.
func (d *decoder) bucket() int64 {
	b := d.varint()
	if b < math.MinInt64+maxBuckets {
		d.fail("bucket %d", b)
	}
	return b
}

// loadChunk takes the bytes of chunk at.
func (c body) loadChunk(at int, value []byte) error {
	d, err := openPart(value, c.members.generation)
	if err != nil {
		return err
	}
	newest := d.bucket()
	if newest > satAdd(c.lowest(), math.MaxUint32) {
		d.fail("bucket %d", newest)
	}
	k := decodeMembers(&d, c.spec.Op == Weighted, newest, c.spec.N)
	d.end()
	for _, print := range k.prints {
		if chunkOf(print, c.members.n) != at {
			d.fail("member %016x of chunk %d", print, chunkOf(print, c.members.n))
		}
	}
	if d.err != nil {
		return d.err
	}
	k.sweep(c.lowest())
	c.members.put(at, k)
	return nil
}
