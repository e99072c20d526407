package windows

import (
	"math/rand/v2"
	"testing"
)

// dayLayout is the layout of most rules: two years in days.
func dayLayout() *Layout {
	return &Layout{Counters: []Spec{
		{ID: 1, Op: Sum, Step: 86400 * second, N: 730},
		{ID: 2, Op: Distinct, Step: 86400 * second, N: 730, Cap: 1_000_000},
		{ID: 3, Op: Weighted, Step: 86400 * second, N: 730, Cap: 1_000_000},
		{ID: 4, Op: First, Step: 86400 * second, N: 730},
	}}
}

// filled is a subject with members in counter i, and their keys.
func filled(b *testing.B, i, members int) (*kept, []uint64) {
	rng := rand.New(rand.NewPCG(1, 1))
	k := newKept(dayLayout())
	keys := make([]uint64, members)
	for n := range keys {
		keys[n] = rng.Uint64()
		if _, err := k.event(i, rng.Int64N(700)*86400*second, keys[n], 5); err != nil {
			b.Fatal(err)
		}
	}
	k.write()
	return k, keys
}

func BenchmarkAddSum(b *testing.B) {
	s := NewSubject(dayLayout())
	b.ReportAllocs()
	for n := range b.N {
		t := int64(n) * second
		s.Advance(t)
		if !s.Late(0, t) {
			s.Add(0, t, 0, 1)
		}
	}
}

func BenchmarkAddFirst(b *testing.B) {
	s := NewSubject(dayLayout())
	b.ReportAllocs()
	for n := range b.N {
		t := int64(n) * second
		s.Advance(t)
		s.Add(3, t, 0, 0)
	}
}

// A window of minutes, a bucket a second: slides all the time.
func BenchmarkAddSliding(b *testing.B) {
	s := NewSubject(&Layout{Counters: []Spec{{Op: Sum, Step: second, N: 600}}})
	b.ReportAllocs()
	for n := range b.N {
		t := int64(n) * second / 2
		s.Advance(t)
		s.Add(0, t, 0, 1)
	}
}

// New members, into a set of 2,000 to 20,000.
func BenchmarkAddNew(b *testing.B) {
	for i, name := range []string{1: "distinct", 2: "weighted"} {
		if name == "" {
			continue
		}
		b.Run(name, func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 1))
			var s *Subject
			b.ReportAllocs()
			for n := range b.N {
				if n%20_000 == 0 {
					s = NewSubject(dayLayout())
					s.Advance(0)
				}
				s.Add(i, 0, rng.Uint64(), 5)
			}
		})
	}
}

// Members there already: in the same bucket, and in ever newer ones.
func BenchmarkAddSeen(b *testing.B) {
	k, keys := filled(b, 1, 20_000)
	b.Run("same", func(b *testing.B) {
		b.ReportAllocs()
		for n := range b.N {
			k.Add(1, k.time, keys[n%len(keys)], 0)
		}
	})
	b.Run("newer", func(b *testing.B) {
		b.ReportAllocs()
		t := k.time
		for n := range b.N {
			if n%1000 == 0 {
				t += 86400 * second
				k.Advance(t)
			}
			k.Add(1, t, keys[n*7919%len(keys)], 0)
		}
	})
}

func BenchmarkNeeds(b *testing.B) {
	k, keys := filled(b, 1, 20_000)
	b.ReportAllocs()
	var parts []Part
	for n := range b.N {
		parts = k.Needs(parts[:0], 1, keys[n%len(keys)])
	}
}

// A chunk is searched by a byte of each fingerprint; beside it, fingerprints one by
// one and a map, which this replaces. Half of the keys are there.
func BenchmarkChunkFind(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	k := newChunk(false, 0)
	all := map[uint64]uint32{}
	keys := make([]uint64, 512)
	for n := range keys {
		keys[n] = rng.Uint64()
		if n%2 == 0 && k.len() < 192 {
			k.set(-1, keys[n], 0, 0, 0)
			all[keys[n]] = 0
		}
	}
	keys = keys[:384]
	found := 0
	b.Run("tags", func(b *testing.B) {
		for n := range b.N {
			if k.find(keys[n%384]) >= 0 {
				found++
			}
		}
	})
	b.Run("prints", func(b *testing.B) {
		for n := range b.N {
			key := keys[n%384]
			for _, p := range k.prints {
				if p == key {
					found++
					break
				}
			}
		}
	})
	b.Run("map", func(b *testing.B) {
		for n := range b.N {
			if _, ok := all[keys[n%384]]; ok {
				found++
			}
		}
	})
	if b.N > 1 && found == 0 {
		b.Fatal("nothing found")
	}
}

func BenchmarkAppendChunk(b *testing.B) {
	k, _ := filled(b, 1, 20_000)
	var buf []byte
	b.ReportAllocs()
	for n := range b.N {
		buf = k.AppendPart(buf[:0], Part{1, n % k.counters[1].chunks()})
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkLoadChunk(b *testing.B) {
	k, _ := filled(b, 1, 20_000)
	c := k.counters[1]
	value := k.AppendPart(nil, Part{1, 5})
	b.ReportAllocs()
	b.SetBytes(int64(len(value)))
	for range b.N {
		c.members.chunks[5] = nil
		if err := k.Load(Part{1, 5}, value); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendHistory(b *testing.B) {
	k, _ := filled(b, 1, 20_000)
	var buf []byte
	b.ReportAllocs()
	for range b.N {
		buf = k.AppendPart(buf[:0], Part{1, -1})
	}
	b.SetBytes(int64(len(buf)))
}

// The record of a small subject: three counters, a few members.
func smallSubject(b *testing.B) *kept {
	k := newKept(dayLayout())
	for n := range uint64(4) {
		for i := range 3 {
			if _, err := k.event(i, int64(n)*3600*second, n*0x9e3779b97f4a7c15, 3); err != nil {
				b.Fatal(err)
			}
		}
	}
	k.write()
	return k
}

func BenchmarkAppendRecord(b *testing.B) {
	k := smallSubject(b)
	var buf []byte
	b.ReportAllocs()
	for range b.N {
		buf = k.AppendRecord(buf[:0], [VersionSize]byte{}, 1)
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkDecodeSubject(b *testing.B) {
	k := smallSubject(b)
	b.ReportAllocs()
	b.SetBytes(int64(len(k.record)))
	for range b.N {
		if _, err := DecodeSubject(k.layout, k.record); err != nil {
			b.Fatal(err)
		}
	}
}
