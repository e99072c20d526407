package listing

import (
	"context"
	"slices"

	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// put writes rows of a shard, and keeps its lists within their bound: the nearest stay. What a full list has no room for is not
// written, and goes if it was there. Lists of these rules may be longer then.
func (l *Lister) put(ctx context.Context, shard int, changes []windowstore.RowChange, longer []string) error {
	if len(changes) == 0 {
		return nil
	}
	x := &l.shards[shard]
	out := 0
	for i := range changes {
		c := &changes[i]
		if border := x.borders[c.Rule]; !c.Gone && !c.Beside && border != nil && border.Before(windowstore.Row{ID: c.ID, Progress: c.Progress}) {
			c.Gone = true
			out++
		}
	}
	if err := l.store.List(ctx, shard, changes...); err != nil {
		return err
	}
	cut, err := l.cut(ctx, shard, l.mayBeFull(x, changes, longer))
	l.Metrics.Cut(out + cut)
	return err
}

// mayBeFull are the rules of changes whose lists may have too many rows now, or end elsewhere: those that may be longer, and those that
// were full once, in which a row that was cut may come again.
func (l *Lister) mayBeFull(x *list, changes []windowstore.RowChange, longer []string) (rules []string) {
	for i := range changes {
		rule := changes[i].Rule
		if _, full := x.borders[rule]; (full || slices.Contains(longer, rule)) && !slices.Contains(rules, rule) {
			rules = append(rules, rule)
		}
	}
	return rules
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
	borders := l.shards[shard].borders
	var gone []windowstore.RowChange
	for i, rows := range lists {
		rule := asked[i].Rule
		if len(rows) == 0 {
			if _, full := borders[rule]; full {
				borders[rule] = nil
			}
			continue
		}
		borders[rule] = &rows[0]
		for _, row := range rows[1:] {
			gone = append(gone, windowstore.RowChange{RowName: windowstore.RowName{Rule: rule, ID: row.ID}, Gone: true})
		}
	}
	if len(gone) == 0 {
		return 0, nil
	}
	return len(gone), l.store.List(ctx, shard, gone...)
}
