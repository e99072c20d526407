package windows

import (
	"encoding/binary"
	"math"
)

// head is the front of a counter's bytes in a record. It says enough for a
// program that does not know the counter to tell when it has run empty, and which parts
// it has.
type head struct {
	op      Op
	step, n int64
	newest  int64 // the newest bucket that holds something, or none
	dropped int64 // the newest bucket that something was dropped from, or none

	wide       bool   // sums have a column for their bits 64 to 95
	chunks     int    // of members; 0: they are in the record, or it has none
	generation uint64 // of the chunks (see Subject.generations)

	part           bool   // the closed buckets are in a part of their own
	partGeneration uint64 // of that part
	edition        uint64 // of that part

	stored stored // the parts that may exist, those in use among them
}

// The bits of a head's first byte; the lowest two are the operation.
const (
	opMask     = 3
	hasBuckets = 4
	hasDropped = 8
	hasHistory = 16
	hasChunks  = 32
	hasOrphans = 64
	isWide     = 128
)

func (h *head) flags() byte {
	f := byte(h.op)
	for _, x := range [...]struct {
		is  bool
		bit byte
	}{
		{h.newest != noBucket, hasBuckets},
		{h.dropped != noBucket, hasDropped},
		{h.part, hasHistory},
		{h.chunks > 0, hasChunks},
		{h.orphaned(), hasOrphans},
		{h.wide, isWide},
	} {
		if x.is {
			f |= x.bit
		}
	}
	return f
}

// orphaned reports whether there may be parts in the store that are not used.
func (h *head) orphaned() bool {
	return h.stored.orphaned(h.chunks, h.part)
}

// append appends the head.
func (h *head) append(dst []byte) []byte {
	dst = append(dst, h.flags())
	dst = binary.AppendUvarint(dst, stepCode(h.step))
	if h.step > 0 {
		dst = binary.AppendUvarint(dst, uint64(h.n))
	}
	if h.newest != noBucket {
		dst = binary.AppendVarint(dst, h.newest)
	}
	if h.dropped != noBucket {
		dst = binary.AppendVarint(dst, h.dropped)
	}
	if h.chunks > 0 {
		dst = binary.AppendUvarint(dst, uint64(h.chunks))
		dst = binary.AppendUvarint(dst, h.generation)
	}
	if h.part {
		dst = binary.AppendUvarint(dst, h.partGeneration)
		dst = binary.AppendUvarint(dst, h.edition)
	}
	if h.orphaned() {
		unused := uint64(h.stored.chunks-h.chunks) << 1
		if h.stored.history && !h.part {
			unused |= 1
		}
		dst = binary.AppendUvarint(dst, unused)
	}
	return dst
}

// decodeHead reads a head and checks that it makes sense, in a subject of so many generations at
// time now.
func decodeHead(d *decoder, now int64, generations uint64) head {
	f := d.byte()
	h := head{op: Op(f & opMask), newest: noBucket, dropped: noBucket}
	h.wide = f&isWide != 0
	h.part = f&hasHistory != 0
	h.step = decodeStep(d)
	if h.step > 0 {
		h.n = int64(d.uvarint(maxBuckets))
	}
	if f&hasBuckets != 0 {
		h.newest = h.decodeBucket(d, now)
	}
	if f&hasDropped != 0 {
		h.dropped = h.decodeBucket(d, now)
	}
	if f&hasChunks != 0 {
		h.chunks = int(d.uvarint(maxChunks))
		h.generation = d.uvarint(generations)
	}
	if h.part {
		h.partGeneration = d.uvarint(generations)
		h.edition = d.uvarint(math.MaxUint64)
	}
	h.stored = stored{h.chunks, h.part}
	if f&hasOrphans != 0 {
		unused := d.uvarint(2*maxChunks + 1)
		h.stored.chunks += int(unused >> 1)
		if unused&1 != 0 && h.part {
			d.fail("history both in use and not")
		}
		h.stored.history = h.part || unused&1 != 0
	}
	h.check(d, f)
	return h
}

// decodeBucket reads the number of a bucket not after that of the subject's time.
func (h *head) decodeBucket(d *decoder, now int64) int64 {
	b := d.varint()
	if sp := h.spec(); b > sp.Bucket(now) || b < math.MinInt64+maxBuckets {
		d.fail("bucket %d at time %d", b, now)
		return noBucket
	}
	return b
}

// check refuses what append does not write.
func (h *head) check(d *decoder, flags byte) {
	keyed := h.op == Distinct || h.op == Weighted
	switch {
	case d.err != nil:
	case flags != h.flags(),
		(h.part || h.chunks > 0) && h.newest == noBucket,
		h.part && keyed && h.chunks == 0,
		h.chunks > 0 && !keyed,
		h.wide && (h.op != Weighted || h.chunks == 0),
		h.stored.chunks > maxChunks:
		d.fail("counter's head %08b", flags)
	}
}

// spec is the definition as far as the head has it.
func (h *head) spec() Spec {
	return Spec{Op: h.op, Step: h.step, N: h.n}
}

// runOut reports whether the window is empty at time t.
func (h *head) runOut(t int64) bool {
	newest := max(h.newest, h.dropped)
	if newest == noBucket {
		return true
	}
	sp := h.spec()
	return newest < sp.lowest(sp.Bucket(t))
}

// dropAll empties the head; only parts of the counter may be left.
func (h *head) dropAll() {
	h.newest, h.dropped = noBucket, noBucket
	h.part, h.wide, h.chunks = false, false, 0
}

// Steps are whole seconds, nearly always: those are written as such.
const second = 1_000_000_000

func stepCode(step int64) uint64 {
	if step%second == 0 {
		return uint64(step/second) << 1
	}
	return uint64(step)<<1 | 1
}

func decodeStep(d *decoder) int64 {
	code := d.uvarint(math.MaxUint64)
	step := code >> 1
	if code&1 == 0 {
		if step > math.MaxInt64/second {
			d.fail("step of %d s", step)
			return 0
		}
		return int64(step) * second
	}
	if step%second == 0 {
		d.fail("step of %d ns", step)
		return 0
	}
	return int64(step)
}
