package listing

import (
	"bytes"
	"cmp"
	"container/heap"
	"context"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// candidate is a row as lists have it.
type candidate struct {
	rule     *thresholds.Rule
	order    int // of the rule in the packs
	number   int // of the rule in its kind
	shard    int
	id       []byte
	progress uint64
}

// compare is the order of all rows.
func (c *candidate) compare(o *candidate) int {
	return cmp.Or(cmp.Compare(o.progress, c.progress), cmp.Compare(c.rule.By, o.rule.By), bytes.Compare(c.id, o.id), cmp.Compare(c.order, o.order))
}

// source is the list of a rule and shard, as far as it was read.
type source struct {
	candidate // the first that was not taken yet
	rows      []windowstore.Row
	from      windowstore.Place // of what was not read
	ended     bool              // nothing is there
}

// merged is all lists of the rules wanted, as one.
type merged struct {
	store windowstore.Store
	least uint64
	chunk int       // how many rows of a list are read at first
	limit int       // and later
	open  []*source // of which more is to be read before the next row is known
	heap  sources
}

// merge is the lists after a cursor.
func (r *Reader) merge(f *Filter, limit int, cursor string) (*merged, error) {
	after, err := r.parseCursor(cursor)
	if err != nil {
		return nil, err
	}
	m := &merged{store: r.Store, least: f.Least, limit: limit}
	order := 0
	var numbers [thresholds.AllKinds]int
	for rule := range r.Program.Rules {
		c := candidate{rule: rule, order: order, number: numbers[rule.By]}
		order++
		numbers[rule.By]++
		if f.Rules != nil && !f.Rules(rule) {
			continue
		}
		for c.shard = range r.Shards {
			m.open = append(m.open, &source{candidate: c, from: startOf(&c, f, after)})
		}
	}
	const few = 4
	m.chunk = max(few, 2*limit/max(len(m.open), 1))
	return m, nil
}

// startOf is where a list begins after a cursor; nil: at its start.
func startOf(c *candidate, f *Filter, after *candidate) windowstore.Place {
	top := windowstore.Top()
	if f.Most != nil {
		top.Progress = min(*f.Most, top.Progress)
	}
	if after == nil || after.progress > top.Progress {
		return top
	}
	at := windowstore.Place{Progress: after.progress}
	switch by := cmp.Compare(c.rule.By, after.rule.By); {
	case by == 0:
		at.ID, at.After = after.id, c.order <= after.order
	case by < 0 && at.Progress == 0:
		at.ID, at.After = lastID, true // all of this progress were before
	case by < 0:
		at.Progress--
	}
	return at
}

// lastID is after every id: an id is text.
var lastID = []byte{0xff}

// take takes the next rows, n at most. None: there are no more.
func (m *merged) take(ctx context.Context, n int) (some []candidate, err error) {
	for len(some) < n {
		more, err := m.more(ctx)
		if err != nil || !more {
			return some, err
		}
		s := m.heap[0]
		some = append(some, s.candidate)
		m.from(s)
	}
	return some, nil
}

// from goes on to the next row of the first source.
func (m *merged) from(s *source) {
	if s.next(m.least) {
		heap.Fix(&m.heap, 0)
		return
	}
	heap.Pop(&m.heap)
	if !s.ended {
		m.open = append(m.open, s)
	}
}

// more reports whether there is another row, and reads it.
func (m *merged) more(ctx context.Context) (bool, error) {
	for len(m.open) > 0 {
		if err := m.read(ctx); err != nil {
			return false, err
		}
	}
	return len(m.heap) > 0, nil
}

// read reads of all sources that have nothing left.
func (m *merged) read(ctx context.Context) error {
	asked := make([]windowstore.RowsAsked, len(m.open))
	for i, s := range m.open {
		asked[i] = windowstore.RowsAsked{Shard: s.shard, Rule: s.rule.ID, From: s.from, Limit: m.chunk}
	}
	lists, err := m.store.Rows(ctx, asked...)
	if err != nil {
		return err
	}
	for i, s := range m.open {
		if s.rows = lists[i]; len(s.rows) < m.chunk {
			s.ended = true
		}
		if s.next(m.least) {
			heap.Push(&m.heap, s)
		}
	}
	m.open = m.open[:0]
	m.chunk = max(m.chunk, m.limit) // few lists are read again
	return nil
}

// next makes the next row of what was read the first. It reports whether there is one; if not, and the source has not ended, more is
// to be read.
func (s *source) next(least uint64) bool {
	if len(s.rows) == 0 {
		return false
	}
	row := s.rows[0]
	s.rows = s.rows[1:]
	if row.Progress < least {
		s.ended = true
		return false
	}
	s.id, s.progress = row.ID, row.Progress
	s.from = windowstore.Place{Progress: row.Progress, ID: row.ID, After: true}
	return true
}

// sources is a heap by the first rows.
type sources []*source

// Len is heap.Interface's.
func (h sources) Len() int { return len(h) }

// Less is heap.Interface's.
func (h sources) Less(i, j int) bool { return h[i].compare(&h[j].candidate) < 0 }

// Swap is heap.Interface's.
func (h sources) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push is heap.Interface's.
func (h *sources) Push(x any) { *h = append(*h, x.(*source)) }

// Pop is heap.Interface's.
func (h *sources) Pop() any {
	last := len(*h) - 1
	s := (*h)[last]
	(*h)[last], *h = nil, (*h)[:last]
	return s
}
