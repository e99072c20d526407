package janitor

import (
	"context"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/listing"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// pending counts, by kind and number of the rule, the subjects at a level that was not announced. Limits changed since their last event;
// with the next one it is announced.
type pending struct {
	of     [thresholds.NumKinds][]int
	values []thresholds.Value
	levels []thresholds.Level
}

// add looks at a subject as it was at its last event. It reports false if the histories are needed for that.
func (p *pending) add(program *engine.Program, kind thresholds.Kind, s *windows.Subject) bool {
	if kind == thresholds.Canary {
		return true
	}
	if len(s.NeedsHistory(nil)) > 0 {
		return false
	}
	rules := program.Kinds[kind].Rules
	if p.of[kind] == nil {
		p.of[kind] = make([]int, len(rules))
	}
	for r := range rules {
		p.values = rules[r].AppendValues(p.values[:0], s)
		p.levels = rules[r].Next(thresholds.Level(s.RuleState(r).Level), p.values, p.levels[:0])
		if len(p.levels) > 0 {
			p.of[kind][r]++
		}
	}
	return true
}

// addUnread looks at subjects whose histories are to be read.
func (w *scanner) addUnread(ctx context.Context, shard int, names []listing.Name, to *pending) error {
	all, err := listing.Subjects(ctx, w.Program, w.Store, shard, names)
	for _, s := range all {
		to.add(w.Program, s.Kind, s.Subject)
	}
	return err
}

// tellPending tells the metrics what a scan found.
func (w *scanner) tellPending(shards []shardScan) {
	for kind := range thresholds.NumKinds {
		rules := w.Program.Kinds[kind].Rules
		for r := range rules {
			n := 0
			for i := range shards {
				if of := shards[i].ahead.of[kind]; of != nil {
					n += of[r]
				}
			}
			w.Metrics.Unannounced(rules[r].ID, n)
		}
	}
}
