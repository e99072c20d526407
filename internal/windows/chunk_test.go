package windows

import (
	"math"
	"testing"
)

// Members are found whatever byte they are looked for by.
func TestChunkFind(t *testing.T) {
	k := newChunk(false, 0)
	prints := []uint64{0, 1, 1 << 56, 1<<56 | 1, math.MaxUint64, math.MaxUint64 - 1}
	for i, print := range prints {
		if k.find(print) >= 0 {
			t.Fatalf("%016x found before it was set", print)
		}
		k.set(-1, print, 0, 0, 0)
		if k.find(print) != i {
			t.Fatalf("%016x not found", print)
		}
	}
	k.remove(1)
	if k.find(1) >= 0 || k.find(math.MaxUint64-1) != 1 || k.len() != 5 {
		t.Fatal("wrong after removal")
	}
}

// Buckets are kept as 32-bit offsets. A counter that goes on for more buckets than that keeps what
// is in its window, and forgets the rest for good.
func TestChunkOfManyBuckets(t *testing.T) {
	k := newKept(&Layout{Counters: []Spec{{Op: Distinct, Step: 1, N: maxBuckets, Cap: 10}}})
	event := func(at int64, key uint64) {
		t.Helper()
		if _, err := k.event(0, at, key, 0); err != nil {
			t.Fatal(err)
		}
	}
	event(0, 99)
	for n := range int64(20) {
		event(n*maxBuckets, 1)
		event(n*maxBuckets+5, 2)
		if v, _ := k.Value(0); n > 1 && v != 2 {
			t.Fatalf("%d keys after %d windows", v, n)
		}
		if n%7 == 0 {
			k.write()
			if err := k.reload(k.layout); err != nil {
				t.Fatal(err)
			}
		}
	}
	// One bucket before 2^32 buckets later: the old member must not look like one of today.
	event(20*maxBuckets, 99)
	if v, _ := k.Value(0); v != 3 {
		t.Fatalf("%d keys", v)
	}
}

func TestRepeats(t *testing.T) {
	f := func(n int, again bool) {
		t.Helper()
		k := newChunk(false, 0)
		for i := range n {
			k.set(-1, uint64(i)<<50, 0, 0, 0)
		}
		if again {
			k.set(-1, 1<<50, 0, 0, 0)
		}
		if k.repeats() != again {
			t.Errorf("%d members: %v", n, !again)
		}
	}
	f(0, false)
	f(10, false)
	f(10, true)
	f(600, false)
	f(600, true)
}

func TestPlace(t *testing.T) {
	f := func(print uint64, n, want int) {
		t.Helper()
		if got := chunkOf(print, n); got != want {
			t.Errorf("%b of %d: %d, want %d", print, n, got, want)
		}
	}
	f(0b111, 0, 0)
	f(0b111, 1, 0)
	f(0b111, 2, 0b1)
	f(0b111, 3, 0b1)
	f(0b110, 3, 0b10)
	f(0b111, 4, 0b11)
	f(0b111, 7, 0b11)
	f(0b111, 8, 0b111)
	f(0b110, 7, 0b110)
	f(math.MaxUint64, maxChunks, maxChunks-1)
}
