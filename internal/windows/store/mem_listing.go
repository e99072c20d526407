package store

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
)

// memList is the list of a rule. After many changes it is sorted when it is read.
type memList struct {
	rows   map[string]uint64 // progress by id
	sights map[string][]byte
	order  []Row // nil: to be sorted
}

// compare orders rows as lists have them.
func (r Row) compare(o Row) int {
	return cmp.Or(cmp.Compare(o.Progress, r.Progress), bytes.Compare(r.ID, o.ID))
}

// List is Store's.
func (m *Mem) List(ctx context.Context, shard int, changes ...RowChange) error {
	s, err := m.lock(ctx, "list in", shard)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	for i := range changes {
		l := s.lists[changes[i].Rule]
		if l == nil {
			l = &memList{rows: map[string]uint64{}, sights: map[string][]byte{}}
			s.lists[changes[i].Rule] = l
		}
		const many = 1000
		if len(changes) > many {
			l.order = nil
		}
		l.change(&changes[i])
	}
	return nil
}

func (l *memList) change(c *RowChange) {
	before, listed := l.rows[string(c.ID)]
	if listed && l.order != nil && !c.Beside {
		at, _ := slices.BinarySearchFunc(l.order, Row{ID: c.ID, Progress: before}, Row.compare)
		l.order = slices.Delete(l.order, at, at+1)
	}
	if c.Gone {
		delete(l.rows, string(c.ID))
		delete(l.sights, string(c.ID))
		return
	}
	if c.Sights != nil {
		l.sights[string(c.ID)] = bytes.Clone(c.Sights)
	}
	if c.Beside {
		return
	}
	now := Row{ID: bytes.Clone(c.ID), Progress: min(c.Progress, MostProgress)}
	l.rows[string(c.ID)] = now.Progress
	if l.order != nil {
		at, _ := slices.BinarySearchFunc(l.order, now, Row.compare)
		l.order = slices.Insert(l.order, at, now)
	}
}

// sorted is the list in its order.
func (l *memList) sorted() []Row {
	if l == nil {
		return nil
	}
	if l.order == nil {
		l.order = make([]Row, 0, len(l.rows))
		for id, progress := range l.rows {
			l.order = append(l.order, Row{ID: []byte(id), Progress: progress})
		}
		slices.SortFunc(l.order, Row.compare)
	}
	return l.order
}

// Rows is Store's.
func (m *Mem) Rows(ctx context.Context, asked ...RowsAsked) ([][]Row, error) {
	all := make([][]Row, len(asked))
	for i := range asked {
		a := &asked[i]
		s, err := m.lock(ctx, "rows of", a.Shard)
		if err != nil {
			return nil, err
		}
		rows := s.lists[a.Rule].sorted()
		from, _ := slices.BinarySearchFunc(rows, &a.From, func(r Row, p *Place) int {
			if p.before(&r) {
				return 1
			}
			return -1
		})
		from = min(from+a.Skip, len(rows))
		for _, r := range rows[from:min(from+a.Limit, len(rows))] {
			all[i] = append(all[i], Row{ID: bytes.Clone(r.ID), Progress: r.Progress})
		}
		s.mu.Unlock()
	}
	return all, nil
}

// LookUp is Store's.
func (m *Mem) LookUp(ctx context.Context, shard int, names ...RowName) ([]RowKept, error) {
	s, err := m.lock(ctx, "look up rows of", shard)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	kept := make([]RowKept, len(names))
	for i, n := range names {
		if l := s.lists[n.Rule]; l != nil {
			kept[i].Progress, kept[i].Listed = l.rows[string(n.ID)]
		}
	}
	return kept, nil
}

// Sights is Store's.
func (m *Mem) Sights(ctx context.Context, shard int, names ...RowName) ([][]byte, error) {
	s, err := m.lock(ctx, "sights of", shard)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	sights := make([][]byte, len(names))
	for i, n := range names {
		if l := s.lists[n.Rule]; l != nil {
			sights[i] = bytes.Clone(l.sights[string(n.ID)])
		}
	}
	return sights, nil
}

// CountRows is Store's.
func (m *Mem) CountRows(ctx context.Context, asked ...RowsCounted) ([]int, error) {
	counts := make([]int, len(asked))
	for i, a := range asked {
		s, err := m.lock(ctx, "count rows of", a.Shard)
		if err != nil {
			return nil, err
		}
		rows := s.lists[a.Rule].sorted()
		counts[i], _ = slices.BinarySearchFunc(rows, min(a.Least, MostProgress), func(r Row, least uint64) int {
			if r.Progress >= least {
				return -1
			}
			return 1
		})
		s.mu.Unlock()
	}
	return counts, nil
}

// Lists is Store's.
func (m *Mem) Lists(ctx context.Context, shard int) (rules []string, err error) {
	s, err := m.lock(ctx, "lists of", shard)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	for rule := range s.lists {
		rules = append(rules, rule)
	}
	slices.Sort(rules) // the simulation does the same again
	return rules, nil
}

// DropStrays is Store's. A step comes to all.
func (m *Mem) DropStrays(ctx context.Context, shard int, rule string, _ uint64) (next uint64, err error) {
	s, err := m.lock(ctx, "drop sights of", shard)
	if err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	if l := s.lists[rule]; l != nil {
		maps.DeleteFunc(l.sights, func(id string, _ []byte) bool {
			_, listed := l.rows[id]
			return !listed
		})
	}
	return 0, nil
}

// DropList is Store's.
func (m *Mem) DropList(ctx context.Context, shard int, rule string) error {
	s, err := m.lock(ctx, "drop a list of", shard)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	delete(s.lists, rule)
	return nil
}
