package store

import (
	"cmp"
	"container/heap"
	"context"
	"slices"
)

// Arm is Store's.
func (m *Mem) Arm(ctx context.Context, shard int, due ...Due) error {
	return m.arm(ctx, shard, due, false)
}

// ArmAbsent is Store's.
func (m *Mem) ArmAbsent(ctx context.Context, shard int, due ...Due) error {
	return m.arm(ctx, shard, due, true)
}

func (m *Mem) arm(ctx context.Context, shard int, due []Due, absent bool) error {
	s, err := m.lock(ctx, "arm", shard)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	for _, d := range due {
		if _, there := s.due.place[string(d.Member)]; !there || !absent {
			s.due.set(d.Member, d.Unix)
		}
	}
	return nil
}

// Disarm is Store's.
func (m *Mem) Disarm(ctx context.Context, shard int, members ...[]byte) error {
	s, err := m.lock(ctx, "disarm", shard)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	for _, member := range members {
		if i, ok := s.due.place[string(member)]; ok {
			heap.Remove(&s.due, i)
		}
	}
	return nil
}

// Armed is Store's. It costs nothing to speak of while nothing is due.
func (m *Mem) Armed(ctx context.Context, shard int, upTo int64, limit int) ([]Due, error) {
	s, err := m.lock(ctx, "armed of", shard)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	found := s.due.collect(nil, 0, upTo)
	slices.SortFunc(found, dueEntry.compare)
	found = found[:min(limit, len(found))]
	due := make([]Due, len(found))
	for i, e := range found {
		due[i] = Due{Member: []byte(e.member), Unix: e.unix}
	}
	return due, nil
}

// dueList is a heap by date (container/heap) that knows where each member stands.
type dueList struct {
	heap  []dueEntry
	place map[string]int
}

type dueEntry struct {
	member string
	unix   int64
}

func (e dueEntry) compare(o dueEntry) int {
	return cmp.Or(cmp.Compare(e.unix, o.unix), cmp.Compare(e.member, o.member))
}

func (d *dueList) set(member []byte, unix int64) {
	if i, ok := d.place[string(member)]; ok {
		d.heap[i].unix = unix
		heap.Fix(d, i)
		return
	}
	heap.Push(d, dueEntry{string(member), unix})
}

// collect appends the entries due at upTo in the heap below i.
func (d *dueList) collect(dst []dueEntry, i int, upTo int64) []dueEntry {
	if i >= len(d.heap) || d.heap[i].unix > upTo {
		return dst
	}
	dst = append(dst, d.heap[i])
	return d.collect(d.collect(dst, 2*i+1, upTo), 2*i+2, upTo)
}

// Len is heap.Interface's.
func (d *dueList) Len() int { return len(d.heap) }

// Less is heap.Interface's.
func (d *dueList) Less(i, j int) bool { return d.heap[i].unix < d.heap[j].unix }

// Swap is heap.Interface's.
func (d *dueList) Swap(i, j int) {
	d.heap[i], d.heap[j] = d.heap[j], d.heap[i]
	d.place[d.heap[i].member], d.place[d.heap[j].member] = i, j
}

// Push is heap.Interface's.
func (d *dueList) Push(x any) {
	e := x.(dueEntry)
	d.place[e.member] = len(d.heap)
	d.heap = append(d.heap, e)
}

// Pop is heap.Interface's.
func (d *dueList) Pop() any {
	last := len(d.heap) - 1
	e := d.heap[last]
	d.heap[last] = dueEntry{}
	d.heap = d.heap[:last]
	delete(d.place, e.member)
	return e
}
