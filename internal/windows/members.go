package windows

import (
	"fmt"
	"math/bits"
)

// Sizes say from where on members and closed buckets get keys of their own. What is stored must have been written with the same,
// so only tests have others, which want to see many parts of small subjects.
type Sizes struct {
	Inline  int // members in the record, at most
	Chunk   int // members in a chunk, on the average, before a chunk is added
	History int // bytes of closed buckets in the record, about, at most
}

// Linear hashing keeps the average while single chunks hold from half of it to
// twice: up to 256 members, some 2.5 KB. Larger chunks cost more to write again for one
// member, smaller ones more keys.
var defaultSizes = Sizes{Inline: 20, Chunk: 128, History: 256}

func (l *Layout) pieceSizes() *Sizes {
	if l.Sizes == (Sizes{}) {
		return &defaultSizes
	}
	return &l.Sizes
}

// members are the keys of a Distinct or Weighted counter, each with the bucket it was last seen in.
// Few are kept in the record (n is 0, chunks[0] holds them). More are kept in n chunks, parts of
// their own, chosen by the low bits of the fingerprint.
//
// They grow by linear hashing (Litwin, "Linear hashing: a new tool for file and table addressing",
// VLDB 1980). When there are more than sizes.Chunk per chunk, the next chunk in turn is split in
// two. So a commit rewrites two chunks, never thousands.
//
// n alone determines where a fingerprint is and which chunk is split next. It must depend on
// nothing except the events and their order, since at the cap a key replaces one of its chunk. So
// it does not depend on what is loaded, nor on when is written.
type members struct {
	generation uint64   // of the chunks (see Subject.generations); 0: never written
	n          int      // chunks; 0: in the record
	chunks     []*chunk // nil, or beyond the end: not loaded
	dirty      []int32  // chunks changed since Clean
	bytes      int      // memory of the chunks
}

// chunkOf is the number of the chunk, of n, that a fingerprint falls in.
func chunkOf(print uint64, n int) int {
	if n < 2 {
		return 0
	}
	top := uint64(1) << (bits.Len(uint(n)) - 1)
	at := print & (2*top - 1)
	if at >= uint64(n) {
		at &= top - 1
	}
	return int(at)
}

// next is the chunk that is split next, and the bit by which.
func (m *members) next() (at int, bit uint64) {
	bit = 1 << (bits.Len(uint(m.n)) - 1)
	return m.n - int(bit), bit
}

// grows reports whether the set is split when it holds live members, with mean in a chunk.
func (m *members) grows(live, mean int) bool {
	return m.n > 0 && m.n < maxChunks && live > mean*m.n
}

// loaded is chunk at, or nil.
func (m *members) loaded(at int) *chunk {
	if at < len(m.chunks) {
		return m.chunks[at]
	}
	return nil
}

// put makes k chunk at.
func (m *members) put(at int, k *chunk) {
	for len(m.chunks) <= at {
		m.chunks = append(m.chunks, nil)
	}
	m.chunks[at] = k
	m.bytes += k.size()
}

// touch notes that chunk at was changed; what is in the record has no part to be written.
func (m *members) touch(at int, k *chunk) {
	if !k.dirty && m.n > 0 {
		k.dirty = true
		m.dirty = append(m.dirty, int32(at))
	}
}

// clean notes that all was written.
func (m *members) clean() {
	for _, at := range m.dirty {
		m.chunks[at].dirty = false
	}
	m.dirty = m.dirty[:0]
}

// addKey counts a key seen in bucket b and reports whether anything changed.
func (c *counter) addKey(b int64, print, weight uint64) bool {
	m, lowest := c.members, c.lowest()
	at := chunkOf(print, m.n)
	k := m.loaded(at)
	if k == nil {
		if m.n > 0 {
			panic(fmt.Sprintf("BUG: counter %016x: chunk %d of %d not loaded", c.spec.ID, at, m.n))
		}
		k = newChunk(c.spec.Op == Weighted, lowest)
		m.put(0, k)
	}
	k.reach(b, lowest)
	i := k.find(print)
	if i >= 0 && k.seen(i) >= lowest {
		if !c.seeAgain(k, i, b, weight) {
			return false
		}
		m.touch(at, k)
		return true
	}
	m.touch(at, k)
	before := k.size()
	entered := c.enter(k, i, b, print, weight)
	m.bytes += k.size() - before
	if entered {
		c.grow()
	}
	return true
}

// seeAgain counts live member i of k, seen again in bucket b, and reports whether
// anything changed.
func (c *counter) seeAgain(k *chunk, i int, b int64, weight uint64) bool {
	last, old := k.seen(i), k.tally(i)
	now := old
	if k.weighted {
		now.sum = max(old.sum, weight)
	}
	switch {
	case b > last:
		c.put(b, now)
		c.take(last, old)
		k.last[i] = uint32(b - k.base)
	case now.sum > old.sum:
		c.raise(last, now.sum-old.sum)
	default:
		return false
	}
	if k.weighted {
		k.weights[i] = now.sum
	}
	return true
}

// raise adds weight to bucket b without a key. (For a bucket that is not there, see take.)
func (c *counter) raise(b int64, weight uint64) {
	if _, ok := c.buckets.find(b); ok {
		c.put(b, tally{sum: weight})
	}
}

// enter counts a key that is not live, at place i of k if that is not negative
// (where the same key expired). It reports whether there is a member more; at the
// cap there is not, if the chunk has one to be replaced.
func (c *counter) enter(k *chunk, i int, b int64, print, weight uint64) bool {
	lowest := c.lowest()
	j := -1
	if int(c.total.keys) >= c.spec.Cap {
		j = k.oldest(lowest)
	}
	if j < 0 {
		k.set(i, print, b, weight, lowest)
		c.put(b, newMember(k, weight))
		return true
	}
	last, old := k.seen(j), k.tally(j)
	c.dropped = max(c.dropped, last)
	k.set(j, print, b, weight, lowest)
	if i >= 0 {
		k.remove(i)
	}
	// In this order, so that the buckets are never all gone in between.
	c.put(b, newMember(k, weight))
	c.take(last, old)
	return false
}

// newMember is what a member of k adds to its bucket.
func newMember(k *chunk, weight uint64) tally {
	if k.weighted {
		return tally{keys: 1, sum: weight}
	}
	return tally{keys: 1}
}

// grow gives the members more room, if there are many, by one chunk at most.
func (c *counter) grow() {
	m := c.members
	live := int(c.total.keys)
	if m.n == 0 && live > c.sizes.Inline {
		m.n = 1
		c.stored.chunks = max(c.stored.chunks, 1)
		m.touch(0, m.chunks[0])
		return
	}
	if !m.grows(live, c.sizes.Chunk) {
		return
	}
	at, bit := m.next()
	k := m.loaded(at)
	if k == nil {
		panic(fmt.Sprintf("BUG: counter %016x: chunk %d to be split is not loaded", c.spec.ID, at))
	}
	m.bytes -= k.size()
	to := k.split(bit, c.lowest())
	m.bytes += k.size()
	m.put(m.n, to)
	m.n++
	c.stored.chunks = max(c.stored.chunks, m.n)
	m.touch(at, k)
	m.touch(m.n-1, to)
}
