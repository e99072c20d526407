package windows

import (
	"maps"
	"math/rand/v2"
	"testing"
)

// TestContents: what a subject holds, piece by piece, is what was added, also after it was written and read again.
func TestContents(t *testing.T) {
	l := &Layout{Counters: []Spec{
		{ID: 1, Op: Sum, Step: 10 * second, N: 5},
		{ID: 2, Op: Distinct, Step: 10 * second, N: 5, Cap: 1 << 20},
		{ID: 3, Op: Weighted, Step: 10 * second, N: 5, Cap: 1 << 20},
		{ID: 4, Op: First, Step: 10 * second, N: 5},
	}}
	rnd := rand.New(rand.NewPCG(1, 2))
	s := NewSubject(l)
	h := pieces{map[int64]uint64{}, map[int64]int64{}, map[uint64]int64{}, map[uint64]uint64{}}
	for at := int64(0); at < 55*second; at += second / 40 {
		s.Advance(at)
		key, num := uint64(rnd.IntN(1_000)), uint64(1+rnd.IntN(9))
		b := l.Counters[0].Bucket(at)
		s.Add(0, at, 0, num)
		s.Add(1, at, key, 0)
		s.Add(2, at, key, num)
		s.Add(3, at, 0, 0)
		h.sums[b] += num
		h.members[key], h.weights[key] = b, max(h.weights[key], num)
		if _, ok := h.firsts[b]; !ok {
			h.firsts[b] = at
		}
	}
	h.check(t, s)
	again := reread(t, s)
	h.check(t, again)

	again.Advance(65 * second)
	for i := range l.Counters {
		for b := range again.Buckets(i) {
			if b.Bucket < l.Counters[i].Lowest(65*second) {
				t.Errorf("counter %d: bucket %d is out of the window", i, b.Bucket)
			}
		}
		for m := range again.Members(i) {
			if m.Bucket < 1 || h.members[m.Print] != m.Bucket {
				t.Errorf("counter %d: member of bucket %d", i, m.Bucket)
			}
		}
	}
}

// pieces is what a subject with a counter of each operation holds. It has sums and earliest times
// by bucket, and the last bucket and the weight of each member.
type pieces struct {
	sums    map[int64]uint64
	firsts  map[int64]int64
	members map[uint64]int64
	weights map[uint64]uint64
}

// check compares with what the subject says.
func (h *pieces) check(t *testing.T, s *Subject) {
	t.Helper()
	gotSums, gotFirsts, gotMembers, gotWeights := map[int64]uint64{}, map[int64]int64{}, map[uint64]int64{}, map[uint64]uint64{}
	for b := range s.Buckets(0) {
		gotSums[b.Bucket] = b.Sum
	}
	for b := range s.Buckets(3) {
		gotFirsts[b.Bucket] = int64(b.Sum)
	}
	for m := range s.Members(1) {
		gotMembers[m.Print] = m.Bucket
	}
	for m := range s.Members(2) {
		gotWeights[m.Print] = m.Weight
	}
	keys := uint32(0)
	for b := range s.Buckets(1) {
		keys += b.Keys
	}
	if !maps.Equal(gotSums, h.sums) || !maps.Equal(gotFirsts, h.firsts) || !maps.Equal(gotMembers, h.members) || !maps.Equal(gotWeights, h.weights) {
		t.Errorf("sums %v, firsts %v, %d members, %d weights", gotSums, gotFirsts, len(gotMembers), len(gotWeights))
	}
	if int(keys) != len(h.members) {
		t.Errorf("buckets hold %d keys, there are %d", keys, len(h.members))
	}
}

// reread is a subject as it is after it was written and read again.
func reread(t *testing.T, s *Subject) *Subject {
	t.Helper()
	store := map[string][]byte{}
	for _, p := range s.Dirty(nil) {
		store[string(s.PartID(nil, p))] = s.AppendPart(nil, p)
	}
	again, err := DecodeSubject(s.layout, s.AppendRecord(nil, [VersionSize]byte{1}, 1))
	if err != nil {
		t.Fatal(err)
	}
	missing := again.Missing(nil)
	if len(missing) != len(store) || len(store) < 4 {
		t.Errorf("%d parts are missing, %d were written", len(missing), len(store))
	}
	for _, p := range missing {
		if err := again.Load(p, store[string(again.PartID(nil, p))]); err != nil {
			t.Fatal(err)
		}
	}
	if left := again.Missing(nil); len(left) > 0 {
		t.Errorf("%v are still missing", left)
	}
	return again
}
