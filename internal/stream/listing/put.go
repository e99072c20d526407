package listing

import (
	"context"

	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// put writes rows of a shard, and keeps its lists within their bound: the nearest stay. What a full list has no room for is not
// written, and goes if it was there.
func (l *Lister) put(ctx context.Context, shard int, changes []windowstore.RowChange) error {
	if len(changes) == 0 {
		return nil
	}
	x := &l.shards[shard]
	out := 0
	for i := range changes {
		c := &changes[i]
		if border := x.borders[c.Rule]; !c.Gone && border != nil && border.Before(windowstore.Row{ID: c.ID, Progress: c.Progress}) {
			c.Gone = true
			out++
		}
	}
	if err := l.store.List(ctx, shard, changes...); err != nil {
		return err
	}
	cut, err := l.cut(ctx, shard, changes)
	l.Metrics.Cut(out + cut)
	return err
}

// cutMost is how many rows too many are looked for at once. More go with the next writing.
const cutMost = 1_000

// cut takes out the rows that lists have too many, and notes where full ones end. It returns how many those were.
func (l *Lister) cut(ctx context.Context, shard int, changes []windowstore.RowChange) (int, error) {
	var asked []windowstore.RowsAsked
	for i := range changes {
		if c := &changes[i]; i == 0 || changes[i-1].Rule != c.Rule {
			asked = append(asked, windowstore.RowsAsked{Shard: shard, Rule: c.Rule, From: windowstore.Top(), Skip: l.Most - 1, Limit: 1 + cutMost})
		}
	}
	lists, err := l.store.Rows(ctx, asked...)
	if err != nil {
		return 0, err
	}
	var gone []windowstore.RowChange
	for i, rows := range lists {
		rule := asked[i].Rule
		delete(l.shards[shard].borders, rule)
		if len(rows) == 0 {
			continue
		}
		l.shards[shard].borders[rule] = &rows[0]
		for _, row := range rows[1:] {
			gone = append(gone, windowstore.RowChange{RowName: windowstore.RowName{Rule: rule, ID: row.ID}, Gone: true})
		}
	}
	if len(gone) == 0 {
		return 0, nil
	}
	return len(gone), l.store.List(ctx, shard, gone...)
}
