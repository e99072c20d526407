package windows

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
)

// What a key costs in Redis beside its value, in bytes: the entry of the dictionary and the
// headers, and the key itself before the part's id.
const (
	perKey  = 60
	keyName = 40
)

// stored is the size of a subject in the store.
func (k *kept) stored() int {
	n := perKey + keyName + len(k.record)
	for id, value := range k.parts {
		n += perKey + keyName + len(id) + len(value)
	}
	return n
}

// The target of the design: at most 16 bytes a member, keys and record included.
func TestBytesPerMember(t *testing.T) {
	f := func(op Op, members int, days int64, most float64) {
		t.Helper()
		rng := rand.New(rand.NewPCG(1, 1))
		k := newKept(&Layout{Counters: []Spec{{ID: 1, Op: op, Step: 86400 * second, N: 730, Cap: 1_000_000}}})
		for range members {
			day := 20_000 + rng.Int64N(days)
			if _, err := k.event(0, day*86400*second, rng.Uint64(), rng.Uint64N(100_000)); err != nil {
				t.Fatal(err)
			}
			if rng.IntN(500) == 0 {
				k.write()
			}
		}
		k.write()
		each := float64(k.stored()) / float64(members)
		t.Logf("op %d: %6d members over %3d days: %5.2f bytes a member, %d parts, %.1f in memory",
			op, members, days, each, len(k.parts), float64(k.Size())/float64(members))
		if each > most {
			t.Errorf("more than %.0f", most)
		}
	}
	f(Distinct, 2_000, 1, 16)
	f(Distinct, 2_000, 730, 16)
	f(Distinct, 20_000, 1, 16)
	f(Distinct, 20_000, 730, 16)
	f(Weighted, 2_000, 730, 20)
	f(Weighted, 20_000, 730, 20)
}

// The target: at most 400 bytes for three counters and one day.
func TestBytesPerSubject(t *testing.T) {
	f := func(readers int) {
		t.Helper()
		k := newKept(&Layout{Counters: []Spec{
			{ID: 0xfedcba9876543210, Op: Sum, Step: 86400 * second, N: 730},
			{ID: 0xfedcba9876543211, Op: Distinct, Step: 86400 * second, N: 730, Cap: 20_000},
			{ID: 0xfedcba9876543212, Op: Weighted, Step: 86400 * second, N: 730, Cap: 30_000},
		}, Rules: []uint64{1 << 63}})
		rng := rand.New(rand.NewPCG(1, 1))
		now := int64(20_000 * 86400 * second)
		for n := range readers {
			now += 1_234_567_890
			for i, num := range []uint64{1, 0, 200} {
				if i == 2 && n > 2 {
					continue
				}
				if _, err := k.event(i, now, rng.Uint64(), num); err != nil {
					t.Fatal(err)
				}
			}
		}
		k.SetRuleState(0, RuleState{5000, 1})
		k.write()
		t.Logf("%d readers, 3 groups: %d bytes, of which the record %d; %d in memory", readers, k.stored(), len(k.record), k.Size())
		if k.stored() > 400 {
			t.Error("more than 400")
		}
	}
	f(1)
	f(10)
}

// Size must not be far from what the memory really is: caches are bounded by it.
func TestSize(t *testing.T) {
	f := func(subjects, members int) {
		t.Helper()
		l := &Layout{Counters: []Spec{
			{ID: 1, Op: Sum, Step: 86400 * second, N: 730},
			{ID: 2, Op: Distinct, Step: 86400 * second, N: 730, Cap: 1_000_000},
			{ID: 3, Op: Weighted, Step: 86400 * second, N: 730, Cap: 1_000_000},
		}}
		rng := rand.New(rand.NewPCG(1, 1))
		all := make([]*kept, subjects)
		before := heapBytes()
		for n := range all {
			all[n] = &kept{Subject: NewSubject(l)}
			for range members {
				for i := range l.Counters {
					if _, err := all[n].event(i, rng.Int64N(20)*86400*second, rng.Uint64(), 1); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		real, said := heapBytes()-before, 0
		for _, k := range all {
			said += k.Size()
		}
		what := fmt.Sprintf("%d subjects of %d members: %d bytes, said to be %d", subjects, members, real/subjects, said/subjects)
		t.Log(what)
		if real > said*5/4 || said > real*5/4 {
			t.Error("Size is far off")
		}
		runtime.KeepAlive(all)
	}
	f(5_000, 1)
	f(3_000, 10)
	f(8, 20_000)
}

func heapBytes() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
