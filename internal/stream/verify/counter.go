package verify

import (
	"cmp"
	"iter"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// piece is the part of a counter that is compared.
type piece struct {
	spec    *windows.Spec
	from    int64 // bucket
	all     bool  // that is the whole window
	weights bool  // weights of members too
}

// reading is a value as a difference shows it.
type reading struct {
	Value   uint64 `json:"value"`
	AtLeast bool   `json:"at_least"`
}

// bucketReading is what one bucket holds, as a difference shows it.
type bucketReading struct {
	Bucket string `json:"bucket"` // its start
	Keys   uint32 `json:"keys,omitempty"`
	Sum    uint64 `json:"sum,omitempty"`
	First  string `json:"first,omitempty"`
}

// memberReading is how many members there are, and how many of them the other side has not,
// or has otherwise.
type memberReading struct {
	Members int `json:"members"`
	Others  int `json:"others"`
}

// compare reports how counter i of two subjects differs at one time: by its value, otherwise by the
// oldest bucket that differs, otherwise by its members.
func (p *piece) compare(want, got *engine.Subject, i int) (Difference, bool) {
	if p.all && (p.spec.Op != windows.Weighted || p.weights) {
		w, g := readingOf(want, i), readingOf(got, i)
		if w != g {
			return Difference{What: "value", Want: w, Got: g}, true
		}
	}
	w, g := p.buckets(want.Buckets(i)), p.buckets(got.Buckets(i))
	for at := 0; at < max(len(w), len(g)); at++ {
		if at < len(w) && at < len(g) && w[at] == g[at] {
			continue
		}
		return p.differing(w[at:], g[at:]), true
	}
	return p.members(want, got, i)
}

func readingOf(s *engine.Subject, i int) reading {
	v, atLeast := s.Value(i)
	return reading{v, atLeast}
}

// buckets are those to be compared.
func (p *piece) buckets(all iter.Seq[windows.Held]) (list []windows.Held) {
	for b := range all {
		if b.Bucket < p.from {
			continue
		}
		if p.spec.Op == windows.Weighted && !p.weights {
			b.High, b.Sum = 0, 0
		}
		list = append(list, b)
	}
	return list
}

// differing is the difference of the first of two lists of buckets, which is one.
func (p *piece) differing(want, got []windows.Held) Difference {
	at := int64(engine.Never)
	for _, list := range [][]windows.Held{want, got} {
		if len(list) > 0 {
			at = min(at, list[0].Bucket)
		}
	}
	read := func(list []windows.Held) any {
		r := bucketReading{Bucket: stamp(p.spec.Start(at))}
		if len(list) == 0 || list[0].Bucket != at {
			return r
		}
		if p.spec.Op == windows.First {
			r.First = stamp(int64(list[0].Sum))
			return r
		}
		r.Keys, r.Sum = list[0].Keys, list[0].Sum
		return r
	}
	return Difference{What: "bucket", Want: read(want), Got: read(got)}
}

// members compares the members one by one.
func (p *piece) members(want, got *engine.Subject, i int) (Difference, bool) {
	w, g := p.sorted(want.Members(i)), p.sorted(got.Members(i))
	if slices.Equal(w, g) {
		return Difference{}, false
	}
	return Difference{
		What: "members", Want: memberReading{len(w), others(w, g)}, Got: memberReading{len(g), others(g, w)},
	}, true
}

func (p *piece) sorted(all iter.Seq[windows.Member]) (list []windows.Member) {
	for m := range all {
		if m.Bucket < p.from {
			continue
		}
		if !p.weights {
			m.Weight = 0
		}
		list = append(list, m)
	}
	slices.SortFunc(list, byPrint)
	return list
}

func byPrint(a, b windows.Member) int { return cmp.Compare(a.Print, b.Print) }

// others is how many of a are not in b, or otherwise.
func others(a, b []windows.Member) int {
	n := 0
	for _, m := range a {
		if at, ok := slices.BinarySearchFunc(b, m, byPrint); !ok || b[at] != m {
			n++
		}
	}
	return n
}
