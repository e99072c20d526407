package windows

// What only tests ask of a subject.

// NextChange is the start of the first bucket later than that of t at which the value of counter i,
// or whether it is a lower bound, differs. It is false if there is none.
func (s *Subject) NextChange(i int, t int64) (int64, bool) {
	s.mustBeLoaded()
	c := s.counters[i]
	if c == nil {
		return 0, false
	}
	return c.nextChange(t)
}

// nextChange is the start of the first bucket after that of t at which the value, or whether it is
// a lower bound, differs from that at t.
func (c *counter) nextChange(t int64) (int64, bool) {
	if c.spec.Op == First || c.spec.Step == 0 {
		return 0, false
	}
	lowest := c.spec.lowest(c.spec.Bucket(t))
	i := c.buckets.expired(lowest)
	held := c.left(i)
	v, atLeast := c.show(held, lowest)
	for {
		b := int64(noBucket)
		if c.lowerBound(lowest) {
			b = c.dropped
		}
		if i < len(c.buckets) && (b == noBucket || c.buckets[i].at <= b) {
			b = c.buckets[i].at
			held.sub(c.buckets[i].tally)
			i++
		}
		if b == noBucket {
			return 0, false
		}
		lowest = satAdd(b, 1)
		if v2, a2 := c.show(held, lowest); v2 != v || a2 != atLeast {
			return c.spec.gone(b)
		}
	}
}

// LiveKeys is the number of keys that counter i holds in its window; 0 for a Sum or First.
func (s *Subject) LiveKeys(i int) int {
	s.mustBeLoaded()
	if c := s.counters[i]; c != nil {
		return int(c.total.keys)
	}
	return 0
}
