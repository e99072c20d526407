package listing

import (
	"context"
	"slices"

	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// size is what is known of the length of a list.
type size struct {
	border *windowstore.Row // the last row that there is room for; nil: it is not full
	full   bool             // it was, once: then a row that was cut may come again
	came   int              // rows that were written since it was looked at, and may be new
	room   int              // so many may come before it is looked at again
}

// put writes rows of a shard, and keeps its lists within their bound: the nearest stay. What a full list has no room for is not
// written, and goes if it was there. It is told which rows may be new.
func (l *Lister) put(ctx context.Context, shard int, changes []windowstore.RowChange, mayBeNew func(i int) bool) error {
	if len(changes) == 0 {
		return nil
	}
	var rules []string // whose lists may have too many rows now, or end elsewhere
	out := 0
	for i := range changes {
		c := &changes[i]
		s := l.shards[shard].size(c.Rule)
		if !c.Gone && !c.Beside && s.border != nil && s.border.Before(windowstore.Row{ID: c.ID, Progress: c.Progress}) {
			c.Gone = true
			out++
		}
		if !c.Gone && mayBeNew(i) {
			s.came++
		}
		if (s.full || s.came > s.room) && !slices.Contains(rules, c.Rule) {
			rules = append(rules, c.Rule)
		}
	}
	if err := l.store.List(ctx, shard, changes...); err != nil {
		return err
	}
	cut, err := l.cut(ctx, shard, rules)
	l.Metrics.Cut(out + cut)
	return err
}

func (x *list) size(rule string) *size {
	s := x.sizes[rule]
	if s == nil {
		s = &size{}
		x.sizes[rule] = s
	}
	return s
}

// cutMost is how many rows too many are looked for at once. More go with the next writing.
const cutMost = 1_000

// cut takes out the rows that lists have too many, and notes where full ones end. It returns how many those were.
func (l *Lister) cut(ctx context.Context, shard int, rules []string) (int, error) {
	if len(rules) == 0 {
		return 0, nil
	}
	var asked []windowstore.RowsAsked
	for _, rule := range rules {
		asked = append(asked, windowstore.RowsAsked{Shard: shard, Rule: rule, From: windowstore.Top(), Skip: l.Most - 1, Limit: 1 + cutMost})
	}
	lists, err := l.store.Rows(ctx, asked...)
	if err != nil {
		return 0, err
	}
	var gone []windowstore.RowChange
	for i, rows := range lists {
		s := l.shards[shard].size(asked[i].Rule)
		if s.border = nil; len(rows) == 0 {
			continue
		}
		s.border, s.full = &rows[0], true
		for _, row := range rows[1:] {
			gone = append(gone, windowstore.RowChange{RowName: windowstore.RowName{Rule: asked[i].Rule, ID: row.ID}, Gone: true})
		}
	}
	if err := l.measure(ctx, shard, rules); err != nil || len(gone) == 0 {
		return 0, err
	}
	return len(gone), l.store.List(ctx, shard, gone...)
}

// measure notes how many rows may come to lists before they are looked at again: few of those that there is room for, since other
// processes have rows, too.
func (l *Lister) measure(ctx context.Context, shard int, rules []string) error {
	var asked []windowstore.RowsCounted
	for _, rule := range rules {
		asked = append(asked, windowstore.RowsCounted{Shard: shard, Rule: rule})
	}
	counts, err := l.store.CountRows(ctx, asked...)
	for i, rule := range rules {
		const few = 8
		if s := l.shards[shard].size(rule); err == nil {
			s.came, s.room = 0, max(0, l.Most-counts[i])/few
		}
	}
	return err
}
