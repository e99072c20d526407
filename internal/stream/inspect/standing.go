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

// since is the time from which on the counters of a subject's kind have everything, as those who count have it: where counters
// began later, or the log of a partition had lost its begin.
func (r *Reader) since(ctx context.Context, kind thresholds.Kind, id string) (func(counter int) int64, error) {
	if r.Partitions == nil {
		return nil, nil
	}
	partitions, err := r.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	k, shard := r.Store.Keys(), windowstore.ShardOf(kind.String(), []byte(id), r.Shards)
	fences, err := r.Store.Load(ctx, shard, position.AppendFenceKeys(nil, k, shard, partitions), nil)
	if err != nil {
		return nil, err
	}
	var lost int64
	for _, p := range position.ParseFences(fences) {
		lost = position.LaterSince(lost, p.Since)
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
	counters := r.Program.Kinds[kind].Layout.Counters
	return func(counter int) int64 { return position.LaterSince(lost, starts[counters[counter].ID]) }, nil
}
