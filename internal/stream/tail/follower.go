package tail

// Follower is a reader of the crossings as they come. It belongs to one goroutine.
type Follower struct {
	tail *Tail
	at   Positions
	rest []*Crossing // missed, to be read first
	came uint64      // number of the next one of those that come
	gap  bool
}

// Follow begins to read at positions; nil: with what comes from now on.
func (t *Tail) Follow(from Positions) *Follower {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := &Follower{tail: t, came: t.first + uint64(len(t.came))}
	if from == nil {
		f.at = t.list.positions()
		return f
	}
	f.gap, f.at = t.list.gap(from), t.list.known(from)
	f.rest = t.list.missed(f.at)
	return f
}

// Gap reports whether crossings were missed that are not kept any more.
func (f *Follower) Gap() bool { return f.gap }

// At is the positions after what was read.
func (f *Follower) At() Positions { return f.at }

// Next returns some of the crossings that were not read yet, most at most; none if there are none now. It reports false if some are not
// kept any more: then the follower is at its end.
func (f *Follower) Next(most int) (some []*Crossing, ok bool) {
	if len(f.rest) == 0 {
		if f.rest, ok = f.tail.after(f.came, most); !ok {
			return nil, false
		}
		f.came += uint64(len(f.rest))
	}
	n := min(most, len(f.rest))
	some, f.rest = f.rest[:n:n], f.rest[n:]
	return some, true
}

// Read notes that a crossing that Next gave was passed on.
func (f *Follower) Read(c *Crossing) {
	f.at[c.Partition] = max(f.at[c.Partition], c.Offset+1)
}

// after are the crossings that came, from a number on.
func (t *Tail) after(number uint64, most int) (some []*Crossing, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if number < t.first {
		return nil, false
	}
	some = t.came[number-t.first:]
	return some[:min(most, len(some)):min(most, len(some))], true
}

// Changed is closed when more crossings have come than had when it was asked for.
func (t *Tail) Changed() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.changed
}
