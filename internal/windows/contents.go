package windows

import "iter"

// What a subject holds, piece by piece, for verify, which compares two subjects. All
// parts must be loaded (Missing).

// Held is what a counter holds of one bucket.
type Held struct {
	Bucket int64  // its number
	Keys   uint32 // Distinct, Weighted: members last seen there
	High   uint32 // bits 64 to 95 of Sum
	Sum    uint64 // Sum: what was added; Weighted: the members' weights; First: the earliest time
}

// Member is a key of a Distinct or Weighted counter.
type Member struct {
	Print  uint64 // its fingerprint
	Bucket int64  // the one it was last seen in
	Weight uint64 // Weighted only
}

// Missing appends every part in use that is not loaded: NeedsHistory's, and
// all chunks of members.
func (s *Subject) Missing(dst []Part) []Part {
	dst = s.NeedsHistory(dst)
	for i, c := range s.counters {
		if c == nil {
			continue
		}
		for at := range c.chunks() {
			if c.members.loaded(at) == nil {
				dst = append(dst, Part{i, at})
			}
		}
	}
	return dst
}

// Buckets are the buckets of counter i in its window at the subject's time, the
// oldest first.
func (s *Subject) Buckets(i int) iter.Seq[Held] {
	s.mustBeLoaded()
	return func(yield func(Held) bool) {
		c := s.counters[i]
		if c == nil {
			return
		}
		c.moveTo(s.time)
		for _, b := range c.buckets[c.buckets.expired(c.lowest()):] {
			if !yield(Held{Bucket: b.at, Keys: b.keys, High: b.high, Sum: b.sum}) {
				return
			}
		}
	}
}

// Members are the keys of counter i in its window at the subject's time, in no
// order; none for a Sum or First.
func (s *Subject) Members(i int) iter.Seq[Member] {
	s.mustBeLoaded()
	return func(yield func(Member) bool) {
		c := s.counters[i]
		if c == nil || c.members == nil {
			return
		}
		c.moveTo(s.time)
		for _, k := range c.members.chunks {
			if k != nil && !k.live(c.lowest(), yield) {
				return
			}
		}
	}
}

// live yields the members in the window, and reports whether to go on.
func (k *chunk) live(lowest int64, yield func(Member) bool) bool {
	for i, print := range k.prints {
		if b := k.seen(i); b >= lowest && !yield(Member{print, b, k.tally(i).sum}) {
			return false
		}
	}
	return true
}

// Lowest is the number of the oldest bucket covered at time t.
func (sp *Spec) Lowest(t int64) int64 { return sp.lowest(sp.Bucket(t)) }
