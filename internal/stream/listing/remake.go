package listing

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Remake makes the rows of subjects of their records, and writes those that the lists have otherwise.
func (l *Lister) Remake(ctx context.Context, shard int, names []Name) error {
	x := &l.shards[shard]
	x.writing.Lock()
	defer x.writing.Unlock()
	return l.remake(ctx, shard, names)
}

// Forgotten takes subjects out of the lists whose records were deleted, or shrunk. What waits of them is not true any more.
func (l *Lister) Forgotten(ctx context.Context, shard int, names []Name) error {
	x := &l.shards[shard]
	x.writing.Lock()
	defer x.writing.Unlock()
	x.gather()
	for _, n := range names {
		x.drop(n)
	}
	return l.remake(ctx, shard, names)
}

// remakeTries is how often rows are made again at once of records that others write meanwhile.
const remakeTries = 3

func (l *Lister) remake(ctx context.Context, shard int, names []Name) error {
	for range remakeTries {
		var again []Name
		for some := range slices.Chunk(names, writeMost) {
			moved, err := l.remakeSome(ctx, shard, some)
			if err != nil {
				return err
			}
			again = append(again, moved...)
		}
		names = again
	}
	x := &l.shards[shard]
	if len(x.again) < waitingMost { // else the scan comes to them
		x.again = append(x.again, names...)
	}
	return nil
}

// remakeSome makes the rows of some subjects, and returns those that were written meanwhile.
func (l *Lister) remakeSome(ctx context.Context, shard int, names []Name) (moved []Name, err error) {
	found, err := l.read(ctx, shard, names)
	if err != nil {
		return nil, err
	}
	changes, err := l.differing(ctx, shard, found)
	if err != nil {
		return nil, err
	}
	if err := l.put(ctx, shard, changes, func(int) bool { return true }); err != nil {
		return nil, err
	}
	return l.moved(ctx, shard, names, func(i int) []byte { return found[i].version })
}

// moved are the subjects whose records have not the version any more that they had.
func (l *Lister) moved(ctx context.Context, shard int, names []Name, had func(i int) []byte) (moved []Name, err error) {
	versions, err := l.versions(ctx, shard, names)
	for i, v := range versions {
		if !bytes.Equal(v, had(i)) {
			moved = append(moved, names[i])
		}
	}
	return moved, err
}

// differing are the rows of subjects that the lists have otherwise. A subject that cannot be read is left as it is.
func (l *Lister) differing(ctx context.Context, shard int, found []stored) ([]windowstore.RowChange, error) {
	var want []windowstore.RowChange
	var names []windowstore.RowName
	for i := range found {
		s := &found[i]
		if s.damaged != nil || s.Kind == thresholds.Canary {
			continue
		}
		for r := range l.program.Kinds[s.Kind].Rules {
			c := windowstore.RowChange{RowName: l.rowName(s.Name, r), Gone: true}
			if s.subject != nil {
				c.Progress, c.Gone = l.row(s.subject, r)
			}
			want = append(want, c)
		}
	}
	slices.SortStableFunc(want, func(a, b windowstore.RowChange) int { return bytes.Compare([]byte(a.Rule), []byte(b.Rule)) })
	for i := range want {
		names = append(names, want[i].RowName)
	}
	if len(names) == 0 {
		return nil, nil
	}
	kept, err := l.store.LookUp(ctx, shard, names...)
	if err != nil {
		return nil, err
	}
	var differ []windowstore.RowChange
	for i, c := range want {
		if k := &kept[i]; k.Listed == c.Gone || k.Listed && k.Progress != min(c.Progress, windowstore.MostProgress) {
			differ = append(differ, c)
		}
	}
	return differ, nil
}

// row is the row of a subject by rule r, of its kind; gone: it has none.
func (l *Lister) row(s *engine.Subject, r int) (progress uint64, gone bool) {
	rule := &l.program.Kinds[s.Kind].Rules[r]
	progress = rule.Progress(rule.AppendValues(nil, s.Subject))
	return progress, !engine.Listed(s.Subject, r, progress)
}

// Wanted reports whether a subject that was read without its histories may have a row: then Remake tells.
func (l *Lister) Wanted(s *engine.Subject) bool {
	if s.Kind == thresholds.Canary {
		return false
	}
	if len(s.NeedsHistory(nil)) > 0 {
		return true
	}
	for r := range l.program.Kinds[s.Kind].Rules {
		if _, gone := l.row(s, r); !gone {
			return true
		}
	}
	return false
}

// Walk compares the lists of a shard with the records, a step of each after the other, and rests between two steps. Lists of rules that
// are gone are deleted, and so are sights of rows that are gone.
func (l *Lister) Walk(ctx context.Context, shard int, rest func()) error {
	rules, err := l.store.Lists(ctx, shard)
	if err != nil {
		return err
	}
	kinds := map[string]thresholds.Kind{}
	for rule := range l.program.Rules {
		kinds[rule.ID] = rule.By
	}
	for _, rule := range rules {
		if kind, ok := kinds[rule]; ok {
			err = cmp.Or(l.walkList(ctx, shard, rule, kind, rest), l.dropStrays(ctx, shard, rule, rest))
		} else {
			err = l.store.DropList(ctx, shard, rule)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Drop deletes all lists of a shard.
func Drop(ctx context.Context, store windowstore.Listing, shard int) error {
	rules, err := store.Lists(ctx, shard)
	for _, rule := range rules {
		err = errors.Join(err, store.DropList(ctx, shard, rule))
	}
	return err
}

func (l *Lister) walkList(ctx context.Context, shard int, rule string, kind thresholds.Kind, rest func()) error {
	for at := windowstore.Top(); ; {
		lists, err := l.store.Rows(ctx, windowstore.RowsAsked{Shard: shard, Rule: rule, From: at, Limit: walkStep})
		if err != nil || len(lists[0]) == 0 {
			return err
		}
		var names []Name
		for _, row := range lists[0] {
			names = append(names, Name{kind, string(row.ID)})
			at = windowstore.Place{Progress: row.Progress, ID: row.ID, After: true}
		}
		if err := l.Remake(ctx, shard, names); err != nil {
			return err
		}
		rest()
	}
}

// dropStrays deletes the sights of rows that are not in the list of a rule: rows of another process may have gone while theirs were
// written.
func (l *Lister) dropStrays(ctx context.Context, shard int, rule string, rest func()) error {
	for from := uint64(0); ; {
		next, err := l.store.DropStrays(ctx, shard, rule, from)
		if err != nil || next == 0 {
			return err
		}
		from = next
		rest()
	}
}

// walkStep is how many rows are looked at in a step.
const walkStep = 200
