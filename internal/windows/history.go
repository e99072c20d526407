package windows

import "math/bits"

// history says where the closed buckets of a counter are kept.
type history struct {
	generation uint64 // of the part (see Subject.generations); 0: never written
	edition    uint64 // counts the contents of the part
	part       bool   // they are in a part of their own, otherwise in the record
	missing    bool   // and that part is not loaded
	dirty      bool   // they were changed since Clean
}

// touch notes a change of the closed buckets.
func (h *history) touch() {
	if !h.dirty {
		h.dirty = true
		h.edition++
	}
}

// placeHistory decides where the closed buckets are to be written: in a part of their own above
// sizes.History, back in the record below half of that. Between the two they stay where they are,
// so that a counter at the border does not rewrite both all the time. Only what is written anyway
// is moved. While members are in the record, no buckets are written.
func (c *counter) placeHistory() {
	h := &c.history
	if !h.dirty || c.keyed() && c.members.n == 0 {
		return
	}
	switch size := c.buckets.closed().size(); {
	case size > c.sizes.History:
		h.part = true
		c.stored.history = true
	case size < c.sizes.History/2:
		h.part, h.generation = false, 0
	}
}

// maxBucketBytes is the most that size counts for a bucket.
const maxBucketBytes = 1 + 10 + 5

// size is the number of bytes of the buckets when written, about.
func (bs buckets) size() int {
	n := 0
	for i := range bs {
		n += 1 + uvarintLen(bs[i].sum)
		if bs[i].keys > 0 {
			n += uvarintLen(uint64(bs[i].keys))
		}
	}
	return n
}

func uvarintLen(x uint64) int {
	return (bits.Len64(x|1) + 6) / 7
}
