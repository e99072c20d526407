package engine

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// dumbDuplicates is the contract's sentence: an id is a duplicate if it came at a clock not more than a window ago.
type dumbDuplicates struct {
	window  int64
	clock   int64
	started bool
	last    map[uint64]int64
}

func (d *dumbDuplicates) seen(id uint64, timestamp int64) bool {
	if !d.started || timestamp > d.clock {
		d.clock, d.started = timestamp, true
	}
	at, ok := d.last[id]
	d.last[id] = d.clock
	return ok && uint64(d.clock)-uint64(at) <= uint64(d.window)
}

// TestDuplicatesModel compares with the dumb form, over pauses of all lengths, clocks that go back, ids of few buckets, and
// resets.
func TestDuplicatesModel(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		window := []int64{1, 1_000, 600_000, 604_800_000}[rng.IntN(4)]
		d := newDuplicates(window, 50_000)
		dumb := &dumbDuplicates{window: window, last: map[uint64]int64{}}
		kinds := 1 + rng.Uint64N([]uint64{10, 3_000, 1 << 40}[rng.IntN(3)])
		low := rng.IntN(4) == 0 // all ids belong in the first bucket
		now := []int64{0, 1_767_225_600_000, math.MinInt64, math.MaxInt64 - 100_000_000}[rng.IntN(4)]
		for i := range 20_000 {
			now = moved(rng, now, window)
			id := rng.Uint64N(kinds) * 0x9E3779B97F4A7C15
			if low {
				id >>= 24
			}
			if got, want := d.seen(id, now), dumb.seen(id, now); got != want {
				t.Fatalf("seed %d, id %d of %d, window %d: seen %v, want %v", seed, i, kinds, window, got, want)
			}
			if rng.IntN(5_000) == 0 {
				d.Reset()
				dumb = &dumbDuplicates{window: window, last: map[uint64]int64{}}
			}
		}
		if d.Shortened > 0 {
			t.Errorf("seed %d: shortened", seed)
		}
	}
}

// moved is now, or a while before or after it.
func moved(rng *rand.Rand, now, window int64) int64 {
	switch rng.IntN(40) {
	case 0:
		return max(now, math.MinInt64+1_000) - rng.Int64N(1_000)
	case 1:
		now = min(now, math.MaxInt64-window-2)
		return now + rng.Int64N(window+2)
	case 2, 3, 4, 5:
		return min(now, math.MaxInt64-100) + rng.Int64N(100)
	}
	return now
}

// TestDuplicatesFew: where ids come and go in a table of few buckets, some may have gone past all
// of them. An id that is not there is looked for all the same, and not for ever.
func TestDuplicatesFew(t *testing.T) {
	everywhere := 0
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 4))
		d := newDuplicates(100, 1_000)
		for at := range int64(3_000) {
			if rng.IntN(3) > 0 && d.seen(rng.Uint64(), 4*at) {
				t.Fatalf("seed %d: a new id is a duplicate", seed)
			}
			if !slices.ContainsFunc(d.places.buckets, func(b idBucket) bool { return b.past == 0 }) {
				everywhere++
			}
		}
	}
	if everywhere == 0 {
		t.Error("in no table ids went past every bucket")
	}
	t.Logf("ids went past every bucket %d times", everywhere)
}

// TestDuplicatesAll: every id leaves, and with it the memory.
func TestDuplicatesAll(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	d := newDuplicates(600_000, 1_000_000)
	for range 200_000 {
		d.seen(rng.Uint64(), 0)
	}
	for at := int64(0); at < 10; at++ { // a window later all but these few are gone
		d.seen(rng.Uint64(), 700_000+at)
	}
	if d.Size() != 10 || d.places.n != 10 || len(d.places.buckets) > 100 || len(d.came.blocks) > 1 {
		t.Errorf("%d ids in the queue, %d in %d buckets, %d blocks", d.Size(), d.places.n, len(d.places.buckets), len(d.came.blocks))
	}
	past := uint32(0)
	for i := range d.places.buckets {
		past += d.places.buckets[i].past
	}
	if past > 10 {
		t.Errorf("%d ids went past a bucket, of 10", past)
	}
}

// TestDuplicatesBound: at the bound the oldest id goes, and only that.
func TestDuplicatesBound(t *testing.T) {
	d := newDuplicates(600_000, 3)
	id := func(n uint64) uint64 { return n * 0x9E3779B97F4A7C15 }
	for i, at := range []int64{0, 200_000, 400_000} { // the pauses between are no ids
		d.seen(id(uint64(i)), at)
	}
	if d.Shortened != 0 {
		t.Fatalf("shortened %d times", d.Shortened)
	}
	for i, want := range []struct {
		n         uint64
		duplicate bool
		shortened uint64
	}{{3, false, 1}, {1, true, 2}, {0, false, 3}, {3, true, 4}, {2, false, 5}} {
		if got := d.seen(id(want.n), 400_000); got != want.duplicate || d.Shortened != want.shortened || d.Size() != 3 {
			t.Errorf("%d: id %d: %v, shortened %d, size %d; want %+v, size 3", i, want.n, got, d.Shortened, d.Size(), want)
		}
	}
	d.Reset()
	if d.Shortened != 5 || d.Size() != 0 {
		t.Errorf("after a reset: shortened %d, size %d", d.Shortened, d.Size())
	}
}

// TestDuplicatesMemory: at most 16 bytes an id, at any number of them that is not small.
func TestDuplicatesMemory(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	d := newDuplicates(600_000, 4_000_000)
	most := 0.0
	for i := 1; i <= 1_000_000; i++ {
		d.seen(rng.Uint64(), int64(i/10))
		if i >= 30_000 && i%1_000 == 0 {
			most = max(most, float64(memoryOf(&d))/float64(i))
		}
	}
	t.Logf("at most %.2f bytes an id", most)
	if most > 16 {
		t.Errorf("%.2f bytes an id", most)
	}
}

// memory is the bytes held.
func memoryOf(d *Duplicates) int {
	n := len(d.places.buckets)*int(unsafe.Sizeof(idBucket{})) + len(d.came.blocks)*int(unsafe.Sizeof(idBlock{})) + 8*cap(d.came.blocks)
	if d.came.spare != nil {
		n += int(unsafe.Sizeof(idBlock{}))
	}
	return n
}

// BenchmarkDuplicates notes ids of 1,000 events a second, with a window of 10 minutes that is full.
// 1 % of them repeat one of the last 100,000.
func BenchmarkDuplicates(b *testing.B) {
	d := newDuplicates(600_000, 4_000_000)
	id := func(i int) uint64 {
		if i%100 == 0 {
			i -= 50_001
		}
		return uint64(i) * 0x9E3779B97F4A7C15
	}
	i := 0
	for ; i < 600_000; i++ {
		d.seen(id(i), int64(i))
	}
	for b.Loop() {
		d.seen(id(i), int64(i))
		i++
	}
	b.ReportMetric(float64(d.Size()), "ids")
}
