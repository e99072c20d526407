package windows

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
)

// chunk is some of the members of a counter: those whose fingerprints fall in it.
//
// Members are columns, in no order. A fingerprint is looked for by one of its bytes, with the
// vector instructions of bytes.IndexByte. That is several times faster than walking 8-byte
// fingerprints (BenchmarkChunkFind).
type chunk struct {
	tags    []byte   // the top byte of each fingerprint; the low bits choose the chunk
	prints  []uint64 // the fingerprints
	last    []uint32 // the bucket each was last seen in, less base
	weights []uint64 // Weighted only
	base    int64    // not above any bucket that was in the window when base was set

	weighted bool
	dirty    bool // changed since Clean
}

func newChunk(weighted bool, lowest int64) *chunk {
	return &chunk{base: lowest, weighted: weighted}
}

func (k *chunk) len() int { return len(k.prints) }

func tag(print uint64) byte { return byte(print >> 56) }

// find is the place of a fingerprint, or -1.
func (k *chunk) find(print uint64) int {
	t := tag(print)
	for from := 0; ; from++ {
		i := bytes.IndexByte(k.tags[from:], t)
		if i < 0 {
			return -1
		}
		from += i
		if k.prints[from] == print {
			return from
		}
	}
}

// seen is the bucket that member i was last seen in.
func (k *chunk) seen(i int) int64 {
	return k.base + int64(k.last[i])
}

// tally is what member i adds to its bucket.
func (k *chunk) tally(i int) tally {
	if k.weighted {
		return tally{keys: 1, sum: k.weights[i]}
	}
	return tally{keys: 1}
}

// set puts a member at place i, or at the end if i is negative. reach(b) must
// have been called.
func (k *chunk) set(i int, print uint64, b int64, weight uint64, lowest int64) {
	if i < 0 {
		i = k.extend(lowest)
	}
	k.tags[i] = tag(print)
	k.prints[i] = print
	k.last[i] = uint32(b - k.base)
	if k.weighted {
		k.weights[i] = weight
	}
}

// reach makes sure that bucket b can be said, by dropping what left the
// window if need be. It moves members.
func (k *chunk) reach(b, lowest int64) {
	if uint64(b)-uint64(k.base) > math.MaxUint32 {
		k.sweep(lowest)
	}
}

// extend adds a place at the end. When the chunk is full it drops what left the window first.
func (k *chunk) extend(lowest int64) int {
	n := k.len()
	if n == cap(k.prints) {
		k.sweep(lowest)
		if n = k.len(); n >= cap(k.prints)-cap(k.prints)/8 {
			k.grow(roomFor(n))
		}
	}
	k.resize(n + 1)
	return n
}

// resize cuts or lengthens the columns to n members, within the capacity.
func (k *chunk) resize(n int) {
	k.tags = k.tags[:n]
	k.prints = k.prints[:n]
	k.last = k.last[:n]
	if k.weighted {
		k.weights = k.weights[:n]
	}
}

// roomFor is the capacity for n members and some more. Memory counts for
// more than the copying: a large set grows chunk by chunk.
func roomFor(n int) int { return n + n/4 + 4 }

// grow makes room for n members, no more and no less.
func (k *chunk) grow(n int) {
	k.tags = append(make([]byte, 0, n), k.tags...)
	k.prints = append(make([]uint64, 0, n), k.prints...)
	k.last = append(make([]uint32, 0, n), k.last...)
	if k.weighted {
		k.weights = append(make([]uint64, 0, n), k.weights...)
	}
}

// sweep drops the members that left the window, and makes lowest the base.
func (k *chunk) sweep(lowest int64) {
	n := 0
	for i := range k.prints {
		b := k.seen(i)
		if b < lowest {
			continue
		}
		k.move(n, i)
		k.last[n] = uint32(b - lowest)
		n++
	}
	k.resize(n)
	k.base = lowest
}

// oldest is the place of the live member with the smallest (bucket, fingerprint), or -1.
func (k *chunk) oldest(lowest int64) int {
	at := -1
	for i := range k.prints {
		if k.seen(i) < lowest {
			continue
		}
		if at < 0 || k.last[i] < k.last[at] || k.last[i] == k.last[at] && k.prints[i] < k.prints[at] {
			at = i
		}
	}
	return at
}

// split moves the members whose fingerprint has bit set to a new chunk.
func (k *chunk) split(bit uint64, lowest int64) *chunk {
	k.sweep(lowest)
	moved := 0
	for _, print := range k.prints {
		if print&bit != 0 {
			moved++
		}
	}
	to := newChunk(k.weighted, lowest)
	to.grow(roomFor(moved))
	n := 0
	for i, print := range k.prints {
		if print&bit == 0 {
			k.move(n, i)
			n++
			continue
		}
		to.set(-1, print, k.seen(i), k.tally(i).sum, lowest)
	}
	k.resize(n)
	k.grow(roomFor(n))
	return to
}

// remove drops member i; the last one takes its place.
func (k *chunk) remove(i int) {
	n := k.len() - 1
	k.move(i, n)
	k.resize(n)
}

// move copies member from to place to.
func (k *chunk) move(to, from int) {
	k.tags[to] = k.tags[from]
	k.prints[to] = k.prints[from]
	k.last[to] = k.last[from]
	if k.weighted {
		k.weights[to] = k.weights[from]
	}
}

// size is the memory held, in bytes.
func (k *chunk) size() int {
	return chunkBytes + cap(k.tags) + 8*cap(k.prints) + 4*cap(k.last) + 8*cap(k.weights)
}

// appendMembers appends the members: their number, and one column after the
// other; buckets as ages, counted back from newest.
func (k *chunk) appendMembers(dst []byte, newest int64) []byte {
	dst = binary.AppendUvarint(dst, uint64(k.len()))
	for _, print := range k.prints {
		dst = binary.LittleEndian.AppendUint64(dst, print)
	}
	for i := range k.last {
		dst = binary.AppendUvarint(dst, uint64(newest-k.seen(i)))
	}
	for _, w := range k.weights {
		dst = binary.AppendUvarint(dst, w)
	}
	return dst
}

// newest is the newest bucket of a member, or base.
func (k *chunk) newest() int64 {
	var last uint32
	for _, l := range k.last {
		last = max(last, l)
	}
	return k.base + int64(last)
}

// decodeMembers reads what appendMembers wrote, of a counter that covers n
// buckets and the newest.
func decodeMembers(d *decoder, weighted bool, newest, n int64) *chunk {
	k := newChunk(weighted, newest-n)
	count := d.count(9)
	prints := d.take(8 * count)
	if d.err != nil {
		return k
	}
	k.grow(roomFor(count))
	for i := range count {
		print := binary.LittleEndian.Uint64(prints[8*i:])
		k.set(-1, print, newest-int64(d.uvarint(uint64(n))), 0, k.base)
	}
	for i := range k.weights {
		k.weights[i] = d.uvarint(math.MaxUint64)
	}
	if k.repeats() {
		d.fail("a member twice")
	}
	return k
}

// repeats reports whether a fingerprint is there twice.
func (k *chunk) repeats() bool {
	if k.len() > 4*defaultSizes.Chunk { // not ours, or nearly so: avoid the square
		prints := slices.Clone(k.prints)
		slices.Sort(prints)
		return len(slices.Compact(prints)) < k.len()
	}
	for i, print := range k.prints {
		if k.find(print) != i {
			return true
		}
	}
	return false
}
