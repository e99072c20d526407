package windows

import "slices"

// bucket is a bucket that holds something.
type bucket struct {
	at int64 // its number
	tally
}

// buckets are the non-empty buckets of a counter within its window, oldest
// first. The last is the newest, the others are closed: the newest is
// written with every record, the closed ones seldom change.
type buckets []bucket

// find returns where bucket b is, or where it would be put.
func (bs buckets) find(b int64) (int, bool) {
	n := len(bs)
	if n == 0 || bs[n-1].at < b {
		return n, false
	}
	if bs[n-1].at == b {
		return n - 1, true
	}
	lo, hi := 0, n-1
	for lo < hi {
		if mid := (lo + hi) / 2; bs[mid].at < b {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, bs[lo].at == b
}

// newest is the number of the newest bucket, or none.
func (bs buckets) newest() int64 {
	if len(bs) == 0 {
		return noBucket
	}
	return bs[len(bs)-1].at
}

// oldest is the number of the oldest bucket, or none.
func (bs buckets) oldest() int64 {
	if len(bs) == 0 {
		return noBucket
	}
	return bs[0].at
}

// closed are all but the newest.
func (bs buckets) closed() buckets {
	return bs[:max(len(bs)-1, 0)]
}

// expired is the number of buckets below lowest.
func (bs buckets) expired(lowest int64) int {
	if len(bs) == 0 || bs[0].at >= lowest {
		return 0
	}
	i, _ := bs.find(lowest)
	return i
}

// put adds v to bucket b and reports whether the closed buckets changed by it.
func (bs *buckets) put(b int64, v tally) (closed bool) {
	i, ok := bs.find(b)
	if !ok {
		return bs.insert(i, bucket{b, v})
	}
	(*bs)[i].add(v)
	return i < len(*bs)-1
}

// insert puts k at place i and reports whether the closed buckets changed by it.
func (bs *buckets) insert(i int, k bucket) (closed bool) {
	*bs = slices.Insert(*bs, i, k)
	return len(*bs) > 1
}

// take takes v from bucket b, as far as it is there, and drops the bucket when
// no key is left. It returns what it took.
func (bs *buckets) take(b int64, v tally) (taken tally, closed bool) {
	i, ok := bs.find(b)
	if !ok {
		return tally{}, false
	}
	k := &(*bs)[i]
	if v = v.within(k.tally); v.keys == k.keys {
		v = k.tally
		closed = len(*bs) > 1
		*bs = slices.Delete(*bs, i, i+1)
		return v, closed
	}
	k.sub(v)
	return v, i < len(*bs)-1
}
