package listing

import (
	"context"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// Standings calls each with where subjects are with the rules of a program that are wanted: with each rule of a subject's kind. The subjects
// are those that the lists of rules of r.Program have, if from wants these. The program may be one that is not in force yet.
func (r *Reader) Standings(ctx context.Context, by *engine.Program, from, wanted func(*thresholds.Rule) bool, each func(*inspect.Standing)) error {
	m, err := r.merge(&Filter{Rules: from}, lookMost, "")
	if err != nil {
		return err
	}
	met := map[Name]bool{}
	for {
		some, err := m.take(ctx, lookMost)
		if err != nil || len(some) == 0 {
			return err
		}
		names := map[int][]Name{}
		for i := range some {
			if n := (Name{some[i].rule.By, string(some[i].id)}); !met[n] {
				met[n] = true
				names[some[i].shard] = append(names[some[i].shard], n)
			}
		}
		for shard, list := range names {
			subjects, err := Subjects(ctx, by, r.Store, shard, list)
			if err != nil {
				return err
			}
			for _, s := range subjects {
				standings(by, s, wanted, each)
			}
		}
	}
}

// standings calls each with where a subject is.
func standings(by *engine.Program, s *engine.Subject, wanted func(*thresholds.Rule) bool, each func(*inspect.Standing)) {
	rules := by.Kinds[s.Kind].Rules
	for n := range rules {
		if wanted(rules[n].Rule) {
			at := inspect.NewStanding(&rules[n], n, s, nil)
			each(&at)
		}
	}
}

// Open is how many episodes with an announced level are listed of the rules that are wanted, by the rule's id.
func (r *Reader) Open(ctx context.Context, wanted func(*thresholds.Rule) bool) (map[string]int, error) {
	open := map[string]int{}
	for rule := range r.Program.Rules {
		if wanted(rule) {
			open[rule.ID] = 0
		}
	}
	err := r.Standings(ctx, r.Program, wanted, wanted, func(at *inspect.Standing) {
		if at.State.Level > 0 {
			open[at.Rule.ID]++
		}
	})
	return open, err
}
