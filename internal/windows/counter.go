package windows

import (
	"fmt"
)

// counter is a counter of the layout that was ever added to.
type counter struct {
	bucketClock
	sizes *Sizes

	buckets buckets
	total   tally    // of buckets; unused by First
	dropped int64    // the newest bucket something was dropped from, or none
	members *members // nil for Sum and First
	history history
	stored  stored
}

func newCounter(sp *Spec, sz *Sizes) *counter {
	if sp.Step < 0 || sp.N < 0 || sp.N > maxBuckets {
		panic(fmt.Sprintf("BUG: counter %016x of %d buckets of %d ns", sp.ID, sp.N, sp.Step))
	}
	c := &counter{bucketClock: bucketClock{spec: sp}, sizes: sz, dropped: noBucket}
	if c.keyed() {
		c.members = &members{}
	}
	return c
}

// keyed reports whether the counter keeps members.
func (c *counter) keyed() bool {
	return c.spec.Op == Distinct || c.spec.Op == Weighted
}

// chunks is the number of chunks of members.
func (c *counter) chunks() int {
	if c.members == nil {
		return 0
	}
	return c.members.n
}

// absent is the number of chunks that are not loaded.
func (c *counter) absent() int {
	n := c.chunks()
	if n == 0 {
		return 0
	}
	for _, k := range c.members.chunks {
		if k != nil {
			n--
		}
	}
	return n
}

// pending is the number of parts to be written, at most. Where the history goes is known only when
// it is written, except for a history that is small enough for the record.
func (c *counter) pending() int {
	n := 0
	if h := &c.history; h.dirty && (h.part || len(c.buckets)*maxBucketBytes > c.sizes.History) {
		n = 1
	}
	if c.members != nil {
		n += len(c.members.dirty)
	}
	return n
}

// pieces is how many members, and buckets in the record, the counter has, about.
func (c *counter) pieces() int {
	if c.history.part {
		return int(c.total.keys)
	}
	return int(c.total.keys) + len(c.buckets)
}

// What is written takes about so many bytes.
const (
	memberBytes = 9  // a member in a chunk, without its weight
	closedBytes = 4  // a closed bucket in a part
	pieceBytes  = 8  // a bucket in the record, or a member since the chunk was changed first
	frontBytes  = 50 // the front of a part, and its key beside the subject's name
)

// partBytes is about what one of the counter's parts takes when it is written, its key included.
func (c *counter) partBytes() int {
	n := c.chunks()
	if n == 0 {
		return frontBytes + closedBytes*len(c.buckets)
	}
	member := memberBytes
	if c.spec.Op == Weighted && c.total.keys > 0 {
		member += uvarintLen(c.total.sum / uint64(c.total.keys))
	}
	return frontBytes + member*int(c.total.keys)/n
}

// put adds v to bucket b.
func (c *counter) put(b int64, v tally) {
	if c.buckets.put(b, v) {
		c.history.touch()
	}
	c.total.add(v)
}

// take takes v from bucket b. A chunk may be newer than the record it was loaded for, if another
// process wrote between the two reads. Then its members are not in these buckets. Such a copy is
// never written (its version is stale), it only must not do harm.
func (c *counter) take(b int64, v tally) {
	v, closed := c.buckets.take(b, v)
	if closed {
		c.history.touch()
	}
	c.total.sub(v)
}

// addSum adds n to bucket b and reports whether anything changed. What would go
// above MaxValue is dropped.
func (c *counter) addSum(b int64, n uint64) bool {
	room := MaxValue - c.total.sum
	changed := n > 0 && room > 0
	if changed {
		c.put(b, tally{sum: min(n, room)})
	}
	if n > room && c.dropped < b {
		c.dropped = b
		changed = true
	}
	return changed
}

// addFirst notes time t, of bucket b, and reports whether it is the bucket's earliest.
func (c *counter) addFirst(b, t int64) bool {
	i, ok := c.buckets.find(b)
	switch {
	case !ok:
		if c.buckets.insert(i, bucket{b, tally{sum: uint64(t)}}) {
			c.history.touch()
		}
	case t < int64(c.buckets[i].sum):
		c.buckets[i].sum = uint64(t)
		if i < len(c.buckets)-1 {
			c.history.touch()
		}
	default:
		return false
	}
	return true
}

// preceded reports whether an event no later than t is in the window. Buckets do not
// overlap, so the oldest one has the earliest event.
func (c *counter) preceded(t int64) bool {
	return len(c.buckets) > 0 && int64(c.buckets[0].sum) <= t
}

// show is the value of held when lowest is the oldest bucket covered, and whether it is a lower
// bound.
func (c *counter) show(held tally, lowest int64) (v uint64, atLeast bool) {
	switch c.spec.Op {
	case Sum:
		return held.sum, c.lowerBound(lowest)
	case Distinct:
		return uint64(held.keys), c.lowerBound(lowest)
	case Weighted:
		if held.over() {
			return MaxValue, true
		}
		return held.sum, c.lowerBound(lowest)
	}
	return 0, false
}

// lowerBound reports whether the value is a lower bound because something was dropped.
func (c *counter) lowerBound(lowest int64) bool {
	return c.dropped != noBucket && c.dropped >= lowest
}

// left is what is held once the first n buckets are gone.
func (c *counter) left(n int) tally {
	held := c.total
	for _, k := range c.buckets[:n] {
		held.sub(k.tally)
	}
	return held
}

// slide drops the buckets that left the window, which are not all.
func (c *counter) slide() {
	n := c.buckets.expired(c.lowest())
	if n == 0 {
		return
	}
	if c.spec.Op != First {
		c.total = c.left(n)
	}
	c.buckets = c.buckets[:copy(c.buckets, c.buckets[n:])]
}

// clear drops everything except dropped. What is stored of it is orphaned.
func (c *counter) clear() {
	c.buckets = c.buckets[:0]
	c.total = tally{}
	c.history = history{}
	if c.members != nil {
		*c.members = members{}
	}
}

// newest is the newest bucket that holds something, or that something was dropped from.
func (c *counter) newest() int64 {
	return max(c.buckets.newest(), c.dropped)
}

// due is the time at which the oldest bucket leaves the window.
func (c *counter) due() int64 {
	if t, ok := c.spec.gone(c.buckets.oldest()); ok {
		return t
	}
	return Never
}
