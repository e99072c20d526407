package tail

import "slices"

// list is the newest crossings of the topic. It belongs to a Tail, under its lock.
type list struct {
	most, mostBytes int

	kept  []*Crossing            // by place, the oldest first
	byID  map[string][]*Crossing // by place: the first is shown, others are its repeats
	bytes int
	spans map[int]span // by partition
	older bool         // the topic has crossings from before those that are kept
}

// span is which offsets of a partition the list knows: from is the first from which on nothing is missing, next the one after
// the last that was read.
type span struct{ from, next int64 }

func newList(most, mostBytes int) list {
	return list{most: most, mostBytes: mostBytes, byID: map[string][]*Crossing{}, spans: map[int]span{}}
}

// repeat reports whether a crossing that is kept has the id of one before it.
func (l *list) repeat(c *Crossing) bool { return l.byID[c.ID][0] != c }

// add keeps a crossing, and drops the oldest that there is no room for. It reports whether it is shown.
func (l *list) add(c *Crossing) bool {
	i, _ := slices.BinarySearchFunc(l.kept, c, func(a, b *Crossing) int { return a.Compare(b.Place) })
	l.kept = slices.Insert(l.kept, i, c)
	same := l.byID[c.ID]
	i, _ = slices.BinarySearchFunc(same, c, func(a, b *Crossing) int { return a.Compare(b.Place) })
	l.byID[c.ID] = slices.Insert(same, i, c)
	l.bytes += c.bytes()
	for len(l.kept) > l.most || l.bytes > l.mostBytes && len(l.kept) > 1 {
		l.drop(l.kept[0])
	}
	same = l.byID[c.ID]
	return len(same) > 0 && same[0] == c
}

// drop forgets the oldest crossing: from its offset on back, its partition is not known any more.
func (l *list) drop(c *Crossing) {
	l.forget(c)
	l.kept, l.older = l.kept[1:], true
	l.begin(c.Partition, c.Offset+1)
}

// forget takes a crossing out of everything except kept.
func (l *list) forget(c *Crossing) {
	l.bytes -= c.bytes()
	same := slices.DeleteFunc(l.byID[c.ID], func(x *Crossing) bool { return x == c })
	if l.byID[c.ID] = same; len(same) == 0 {
		delete(l.byID, c.ID)
	}
}

// begin notes that a partition is known from an offset on, if it was known from an earlier one.
func (l *list) begin(partition int, from int64) {
	s := l.spans[partition]
	if from > s.from {
		l.spans[partition] = span{from, max(s.next, from)}
	}
}

// start notes where the log of a partition begins: what is before is not shown, as another process could not.
func (l *list) start(partition int, from int64) {
	l.begin(partition, from)
	l.keep(func(c *Crossing) bool { return c.Partition != partition || c.Offset >= from })
}

// read notes that a partition was read up to an offset.
func (l *list) read(partition int, next int64) {
	s := l.spans[partition]
	l.spans[partition] = span{s.from, max(s.next, next)}
}

// reset forgets a partition, which is read anew from an offset; older: its log has records before that.
func (l *list) reset(partition int, from int64, older bool) {
	l.keep(func(c *Crossing) bool { return c.Partition != partition })
	l.spans[partition] = span{from, from}
	l.older = l.older || older
}

// keep forgets crossings for which f is false.
func (l *list) keep(f func(*Crossing) bool) {
	if !slices.ContainsFunc(l.kept, func(c *Crossing) bool { return !f(c) }) {
		return
	}
	l.kept = slices.DeleteFunc(l.kept, func(c *Crossing) bool {
		if f(c) {
			return false
		}
		l.forget(c)
		return true
	})
}
