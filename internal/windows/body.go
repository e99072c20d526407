package windows

import (
	"encoding/binary"
	"math"
)

// A counter's bytes in a record are its head and, unless it is empty:
//
//   - members in the record: the members. Their buckets follow from them;
//   - else: the newest bucket, and the closed ones if they have no part.
//
// A bucket is its number, counted back from the next newer one, and what its
// operation keeps (appendTally).

// body is a counter as its bytes see it: in a record, and in parts of their own (partbytes.go).
type body struct{ *counter }

// head is what the counter's bytes begin with (after moveTo).
func (c body) head() head {
	h := head{
		op: c.spec.Op, step: c.spec.Step, n: c.spec.N,
		newest: c.buckets.newest(), dropped: noBucket,
		part: c.history.part, partGeneration: c.history.generation, edition: c.history.edition, stored: c.stored,
	}
	if c.lowerBound(c.lowest()) {
		h.dropped = c.dropped
	}
	if m := c.members; m != nil {
		h.chunks, h.generation = m.n, m.generation
		h.wide = c.spec.Op == Weighted && m.n > 0 && c.buckets.wide()
	}
	return h
}

// blank reports whether there is nothing to write.
func (h *head) blank() bool {
	return h.newest == noBucket && h.dropped == noBucket && !h.orphaned()
}

// inline reports whether the members are in the record.
func (h *head) inline() bool {
	return h.chunks == 0 && (h.op == Distinct || h.op == Weighted)
}

// wide reports whether any sum has more than 64 bits.
func (bs buckets) wide() bool {
	for i := range bs {
		if bs[i].high > 0 {
			return true
		}
	}
	return false
}

// append appends the counter's bytes.
func (c body) append(dst []byte, h *head) []byte {
	dst = h.append(dst)
	if h.newest == noBucket {
		return dst
	}
	if h.inline() {
		k := c.members.chunks[0]
		k.sweep(c.lowest())
		return k.appendMembers(dst, h.newest)
	}
	dst = c.spec.appendTally(dst, c.buckets[len(c.buckets)-1], h.wide)
	if !h.part {
		dst = c.spec.appendClosed(dst, h.newest, c.buckets.closed(), h.wide)
	}
	return dst
}

// decode reads what append wrote, after the head.
func (c body) decode(d *decoder, h *head) {
	sp := c.spec
	c.dropped = h.dropped
	c.history = history{generation: h.partGeneration, edition: h.edition, part: h.part, missing: h.part}
	c.stored = h.stored
	if c.members != nil {
		c.members.n, c.members.generation = h.chunks, h.generation
	}
	if h.newest == noBucket {
		return
	}
	if h.inline() {
		c.decodeInline(d, h)
		return
	}
	newest := bucket{h.newest, sp.decodeTally(d, h.newest, h.wide)}
	if !h.part {
		c.buckets = sp.decodeClosed(d, h.newest, h.wide)
	}
	c.buckets = append(c.buckets, newest)
	c.sum(d)
}

// decodeInline reads members kept in the record, and makes their buckets.
func (c body) decodeInline(d *decoder, h *head) {
	k := decodeMembers(d, c.spec.Op == Weighted, h.newest, c.spec.N)
	if d.err != nil {
		return
	}
	was := c.history
	for i := range k.prints {
		c.put(k.seen(i), k.tally(i))
	}
	c.history = was
	c.members.put(0, k)
	if c.buckets.newest() != h.newest {
		d.fail("no member in bucket %d", h.newest)
	}
}

// sum adds the buckets up.
func (c body) sum(d *decoder) {
	c.total = tally{}
	if c.spec.Op == First {
		return
	}
	for i := range c.buckets {
		if !c.total.fits(c.buckets[i].tally) {
			d.fail("overflow")
			return
		}
		c.total.add(c.buckets[i].tally)
	}
	if c.spec.Op == Sum && c.total.over() {
		d.fail("sum above %d", uint64(MaxValue))
	}
}

// appendTally appends what bucket k holds.
func (sp *Spec) appendTally(dst []byte, k bucket, wide bool) []byte {
	switch sp.Op {
	case First:
		if sp.Step == 0 {
			return binary.AppendVarint(dst, int64(k.sum))
		}
		return binary.AppendUvarint(dst, k.sum-uint64(sp.Start(k.at)))
	case Sum:
		return binary.AppendUvarint(dst, k.sum)
	}
	dst = binary.AppendUvarint(dst, uint64(k.keys))
	if sp.Op == Weighted {
		dst = binary.AppendUvarint(dst, k.sum)
	}
	if wide {
		dst = binary.AppendUvarint(dst, uint64(k.high))
	}
	return dst
}

// decodeTally reads what bucket b holds.
func (sp *Spec) decodeTally(d *decoder, b int64, wide bool) (t tally) {
	switch sp.Op {
	case First:
		return tally{sum: uint64(sp.decodeFirst(d, b))}
	case Sum:
		if t.sum = d.uvarint(MaxValue); t.sum == 0 {
			d.fail("bucket %d of nothing", b)
		}
		return t
	}
	if t.keys = uint32(d.uvarint(math.MaxUint32)); t.keys == 0 {
		d.fail("bucket %d of no keys", b)
	}
	if sp.Op == Weighted {
		t.sum = d.uvarint(math.MaxUint64)
	}
	if wide {
		t.high = uint32(d.uvarint(math.MaxUint32))
	}
	return t
}

// decodeFirst reads the earliest time in bucket b.
func (sp *Spec) decodeFirst(d *decoder, b int64) int64 {
	if sp.Step == 0 {
		return d.varint()
	}
	off := d.uvarint(uint64(sp.Step) - 1)
	t := int64(uint64(sp.Start(b)) + off)
	if sp.Bucket(t) != b {
		d.fail("time %d in bucket %d", t, b)
	}
	return t
}

// appendClosed appends the closed buckets, from the newer to the older.
func (sp *Spec) appendClosed(dst []byte, newest int64, closed buckets, wide bool) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(closed)))
	for i := len(closed) - 1; i >= 0; i-- {
		dst = binary.AppendUvarint(dst, uint64(newest-closed[i].at-1))
		dst = sp.appendTally(dst, closed[i], wide)
		newest = closed[i].at
	}
	return dst
}

// decodeClosed reads them, with room for the newest and one more.
func (sp *Spec) decodeClosed(d *decoder, newest int64, wide bool) buckets {
	n := d.count(2)
	bs := make(buckets, n, n+2)
	back := sp.N
	for i := n - 1; i >= 0 && d.err == nil; i-- {
		if back == 0 {
			d.fail("more closed buckets than %d", sp.N)
			break
		}
		gap := int64(d.uvarint(uint64(back) - 1))
		back -= gap + 1
		newest -= gap + 1
		bs[i] = bucket{newest, sp.decodeTally(d, newest, wide)}
	}
	return bs
}
