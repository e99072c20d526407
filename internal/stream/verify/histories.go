package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inforce"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// readEras reads by which rules each part of the log was decided; nil: all of it by those of the config.
func (v *verification) readEras(ctx context.Context) (*eras, error) {
	ours := inforce.Of(v.Program, v.Intake)
	var err error
	if v.histories, err = v.readHistories(ctx, ours.ID()); err != nil {
		return nil, err
	}
	known := map[string]*pastRules{}
	s, err := newEras(v.Program, ours.ID(), ours.MaxAhead.Milliseconds(), v.histories, func(id string) (*pastRules, error) {
		r, err := v.pastRules(ctx, id)
		known[id] = r
		return r, err
	})
	if s == nil || err != nil {
		return nil, err
	}
	for id, bit := range s.bits {
		if r := known[id]; r != nil && bit != unknown && !r.Intake.Equal(&ours.Intake) {
			s.foreign |= bit
		}
	}
	v.Earlier = earlierRules(v.histories, ours.ID(), v.index)
	for _, e := range v.Earlier {
		v.OtherRules = v.OtherRules || e.Until.IsZero()
	}
	return s, nil
}

// readHistories reads the histories of all partitions, by shard. A store of a version that kept none was counted by the rules of
// the config, as far as its fences tell.
func (v *verification) readHistories(ctx context.Context, ours string) ([][]inforce.History, error) {
	all := make([][]inforce.History, v.Shards)
	for n := range all {
		var keys [][]byte
		for _, t := range v.topics {
			keys = append(keys, v.Store.Keys().AppendHistoryKey(nil, n, t.Topic, t.Partition))
		}
		values, err := v.load(ctx, n, keys)
		if err != nil {
			return nil, err
		}
		for i, t := range v.topics {
			h, err := inforce.ParseHistory(values[len(v.topics)+i])
			if err != nil {
				return nil, fmt.Errorf("shard %d, %s/%d: %w", n, t.Topic, t.Partition, err)
			}
			if m, err := position.ParseFence(values[i]); len(h) == 0 && (err != nil || m.Pack == v.Program.Hash) {
				h = inforce.History{{Rules: ours}}
			}
			all[n] = append(all[n], h)
		}
	}
	return all, nil
}

// errRulesChanged ends a verification during which other rules came into force.
var errRulesChanged = errors.New("the rules changed while it was verified: verify again")

// unchanged refuses what was found while other rules came into force.
func (v *verification) unchanged(ctx context.Context) error {
	ours := inforce.Of(v.Program, v.Intake)
	now, err := v.readHistories(ctx, ours.ID())
	if err != nil {
		return err
	}
	for n := range now {
		if !slices.EqualFunc(now[n], v.histories[n], slices.Equal[inforce.History]) {
			return errRulesChanged
		}
	}
	return nil
}

// pastRules are rules that were in force, by their id; nil: they are not kept, or their packs cannot be read any more.
func (v *verification) pastRules(ctx context.Context, id string) (*pastRules, error) {
	rules, ok := v.index.Rules[id]
	if !ok {
		return nil, nil
	}
	var packs []*thresholds.Pack
	for _, p := range rules.Packs {
		var text []byte
		err := v.Retry(ctx, "load", 0, func() (err error) {
			text, err = inforce.Text(ctx, v.Store, p.Hash)
			return err
		})
		if err != nil {
			return nil, err
		}
		pack, _ := thresholds.Parse(p.Name+".yaml", text, thresholds.Options{MaxMembers: rules.MaxMembers})
		if pack == nil || pack.Hash != p.Hash {
			return nil, nil
		}
		packs = append(packs, pack)
	}
	program, err := engine.Compile(packs, rules.MaxMembers)
	if err != nil {
		return nil, nil
	}
	return &pastRules{rules, program, engine.NewIntake(program, engine.Secret{}, engine.IntakeOptions{})}, nil
}

// Earlier is rules that decided a part of the log, and are not those of the config.
type Earlier struct {
	ID    string
	Packs []inforce.Pack // nil: not known
	Until time.Time      // when the last partition was counted by them; zero: some still is
}

// earlierRules are those in histories, the first that ended first.
func earlierRules(histories [][]inforce.History, ours string, x inforce.Index) []Earlier {
	until := map[string]int64{}
	for _, shard := range histories {
		for _, h := range shard {
			if len(h) == 0 {
				until[""] = engine.Never
			} else if h[0].From > 0 {
				until[""] = max(until[""], h[0].At)
			}
			for i, e := range h {
				until[e.Rules] = max(until[e.Rules], at(h, i))
			}
		}
	}
	delete(until, ours)
	var list []Earlier
	for id, ms := range until {
		e := Earlier{ID: id, Packs: x.Rules[id].Packs}
		if ms != engine.Never {
			e.Until = time.UnixMilli(ms).UTC()
		}
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b Earlier) int {
		if a.Until.IsZero() != b.Until.IsZero() {
			return map[bool]int{true: 1, false: -1}[a.Until.IsZero()]
		}
		return a.Until.Compare(b.Until)
	})
	return list
}
