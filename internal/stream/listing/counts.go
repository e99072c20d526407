package listing

import (
	"context"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Counts returns for each rule, by its id, how many subjects are listed with each of these levels of progress, or more.
func (r *Reader) Counts(ctx context.Context, levels ...thresholds.Level) (map[string][]int, error) {
	return r.count(ctx, func(*thresholds.Rule) []thresholds.Level { return levels })
}

// Reached returns for each rule, by its id, how many subjects are listed with each of its levels or more; the first is all of them.
func (r *Reader) Reached(ctx context.Context) (map[string][]int, error) {
	return r.count(ctx, func(rule *thresholds.Rule) []thresholds.Level { return append([]thresholds.Level{0}, rule.Levels...) })
}

func (r *Reader) count(ctx context.Context, levels func(*thresholds.Rule) []thresholds.Level) (map[string][]int, error) {
	var asked []windowstore.RowsCounted
	counts := map[string][]int{}
	for rule := range r.Program.Rules {
		list := levels(rule)
		counts[rule.ID] = make([]int, len(list))
		for _, level := range list {
			for shard := range r.Shards {
				asked = append(asked, windowstore.RowsCounted{Shard: shard, Rule: rule.ID, Least: uint64(level)})
			}
		}
	}
	found, err := r.Store.CountRows(ctx, asked...)
	if err != nil {
		return nil, err
	}
	for rule := range r.Program.Rules {
		for i := range counts[rule.ID] {
			for range r.Shards {
				counts[rule.ID][i] += found[0]
				found = found[1:]
			}
		}
	}
	return counts, nil
}

// tell tells the metrics how many subjects are listed, of the whole group.
func (l *Lister) tell(ctx context.Context) error {
	r := Reader{Program: l.program, Store: l.store, Shards: l.Shards}
	counts, err := r.Reached(ctx)
	if err != nil {
		return err
	}
	for rule := range l.program.Rules {
		reached := append(counts[rule.ID], 0)
		for i, level := range append([]thresholds.Level{0}, rule.Levels...) {
			l.Metrics.Listed(rule.ID, level, max(0, reached[i]-reached[i+1]))
		}
	}
	return nil
}
