package inspect

import (
	"context"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/coverage"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Standing is where a subject is with one rule.
type Standing struct {
	Rule     *thresholds.Rule
	Subject  string
	State    thresholds.State
	Values   []thresholds.Value // by limit of Rule
	Progress uint64             // 1/10,000 of the limit
	Time     int64              // that all this is of, ns; NoTime: nothing was counted yet
	Pending  thresholds.Level   // the highest level that is reached and was not announced; 0: none
}

// NewStanding is where a subject is with the number-th rule of its kind. since is the time from which on a counter has everything, ns;
// nil, and 0: from the start.
func NewStanding(rule *engine.BoundRule, number int, s *engine.Subject, since func(counter int) int64) Standing {
	m := s.RuleState(number)
	out := Standing{
		Rule: rule.Rule, Subject: s.ID, Values: rule.AppendValues(nil, s.Subject), Time: engine.NoTime,
		State: thresholds.State{Level: thresholds.Level(m.Level), Episode: max(m.Episode, 1)},
	}
	out.Progress = rule.Progress(out.Values)
	if levels := rule.Next(out.State.Level, out.Values, nil); len(levels) > 0 {
		out.Pending = levels[len(levels)-1]
	}
	t, ok := s.Time()
	if !ok {
		return out
	}
	out.Time = t
	from := rule.WindowStart(s.Subject, t)
	for i, c := range rule.Counters {
		if since == nil {
			break
		}
		if at := since(c); at != 0 && (rule.Window == 0 || time.Unix(0, at).After(from)) {
			out.Values[i].Since = at
		}
	}
	return out
}

// Since is the time from which on a counter of a shard has everything, ns; 0: from the start.
type Since func(shard int, kind thresholds.Kind, counter int) int64

// Since reads since when the counters of some shards have everything, as those who count have it: where counters began later, or the log of a
// partition had lost its begin. It is nil if that is not asked.
func (r *Reader) Since(ctx context.Context, shards ...int) (Since, error) {
	if r.Partitions == nil {
		return nil, nil
	}
	partitions, err := r.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	k, lost := r.Store.Keys(), map[int]int64{}
	for _, shard := range shards {
		fences, err := r.Store.Load(ctx, shard, position.AppendFenceKeys(nil, k, shard, partitions), nil)
		if err != nil {
			return nil, err
		}
		for _, p := range position.ParseFences(fences) {
			lost[shard] = position.LaterSince(lost[shard], p.Since)
		}
	}
	settings, err := r.Store.Load(ctx, 0, [][]byte{k.AppendMetaKey(nil, 0, windowstore.SettingCounters)}, nil)
	if err != nil {
		return nil, err
	}
	var starts map[uint64]int64
	if settings[0] != nil {
		if starts, err = coverage.DecodeStarts(settings[0]); err != nil {
			return nil, err
		}
	}
	return func(shard int, kind thresholds.Kind, counter int) int64 {
		return position.LaterSince(lost[shard], starts[r.Program.Kinds[kind].Layout.Counters[counter].ID])
	}, nil
}

// Of is what is known of the counters of one subject; nil if nothing is asked.
func (s Since) Of(shard int, kind thresholds.Kind) func(counter int) int64 {
	if s == nil {
		return nil
	}
	return func(counter int) int64 { return s(shard, kind, counter) }
}
