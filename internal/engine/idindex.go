package engine

import "math/bits"

// idIndex says at which place of a queue an id came last. It is an open table of buckets of one
// cache line. An id that finds its bucket full goes on to the next one, and each bucket counts who
// went past it. So a search ends early, and a removal has to leave nothing in its place. (Meta's
// F14 tables do so: "Open-sourcing F14 for faster, more memory-efficient hash tables", 2019.)
//
// A slot is a few bits of the fingerprint over the low bits of the place: the rest stands in the
// queue.
type idIndex struct {
	buckets []idBucket
	n       int
	bits    uint // of a place in a slot
}

// idBucket is slots, 0 where there is none, and how many ids went past the bucket.
type idBucket struct {
	slots [idSlots]uint32
	past  uint32
}

// With 15 slots of 4 bytes to 64 bytes, 75 to 90 % full, an id takes 4.7 to 5.7 bytes.
const (
	idSlots      = 15
	fullestSlots = 90 // per cent
	growBuckets  = 5  // by one in so many
)

// newIDIndex is a table for a queue of at most span entries.
func newIDIndex(span uint64) idIndex {
	return idIndex{buckets: make([]idBucket, 1), bits: uint(bits.Len64(span))}
}

// home is the bucket an id belongs in.
func (t *idIndex) home(id uint64) int {
	n, _ := bits.Mul64(id, uint64(len(t.buckets)))
	return int(n)
}

// next is the bucket after i.
func (t *idIndex) next(i int) int {
	if i++; i < len(t.buckets) {
		return i
	}
	return 0
}

// slot is what stands for an id at a place; never 0.
func (t *idIndex) slot(id, place uint64) uint32 {
	return (uint32(id)|1)<<t.bits | uint32(place)&(1<<t.bits-1)
}

// place is the place in the queue that a slot means.
func (t *idIndex) place(q *idRing, slot uint32) uint64 {
	return q.tail + (uint64(slot)-q.tail)&(1<<t.bits-1)
}

// put notes the place at which an id came, the queue's newest, and reports whether it was there before.
func (t *idIndex) put(q *idRing, id, place uint64) bool {
	if slot := t.find(q, id); slot != nil {
		*slot = t.slot(id, place)
		return true
	}
	if t.n++; t.n > len(t.buckets)*idSlots*fullestSlots/100 {
		t.resize(q, len(t.buckets)+len(t.buckets)/growBuckets+1)
	}
	t.insert(id, t.slot(id, place))
	return false
}

// find is the slot of an id, or nil.
func (t *idIndex) find(q *idRing, id uint64) *uint32 {
	tag := t.slot(id, 0) >> t.bits
	i := t.home(id)
	for range t.buckets { // in a small table ids may have gone past every bucket
		b := &t.buckets[i]
		for j := range b.slots {
			if s := b.slots[j]; s>>t.bits == tag && q.at(t.place(q, s)) == id {
				return &b.slots[j]
			}
		}
		if b.past == 0 {
			break
		}
		i = t.next(i)
	}
	return nil
}

func (t *idIndex) insert(id uint64, slot uint32) {
	for i := t.home(id); ; i = t.next(i) {
		b := &t.buckets[i]
		for j := range b.slots {
			if b.slots[j] == 0 {
				b.slots[j] = slot
				return
			}
		}
		b.past++
	}
}

// drop takes out an id that came last at a place; an id that came again stays.
func (t *idIndex) drop(q *idRing, id, place uint64) {
	slot := t.slot(id, place)
	i := t.home(id)
	for range t.buckets {
		b := &t.buckets[i]
		for j := range b.slots {
			if b.slots[j] == slot {
				b.slots[j] = 0
				t.left(id, i)
				t.shrink(q)
				return
			}
		}
		if b.past == 0 {
			return
		}
		i = t.next(i)
	}
}

// left takes back that an id went past the buckets before bucket i.
func (t *idIndex) left(id uint64, i int) {
	t.n--
	for j := t.home(id); j != i; j = t.next(j) {
		t.buckets[j].past--
	}
}

// shrink gives memory back when a quarter of it would do.
func (t *idIndex) shrink(q *idRing) {
	if room := len(t.buckets) * idSlots; room > 1_000 && t.n < room/4 {
		t.resize(q, t.n*100/fullestSlots*5/4/idSlots+1)
	}
}

// resize moves all to another number of buckets.
func (t *idIndex) resize(q *idRing, buckets int) {
	old := t.buckets
	t.buckets = make([]idBucket, buckets)
	for i := range old {
		for _, s := range old[i].slots {
			if s != 0 {
				t.insert(q.at(t.place(q, s)), s)
			}
		}
	}
}
