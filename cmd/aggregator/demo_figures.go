package main

import (
	"cmp"
	"context"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/stream"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// figures is what the program says about itself: the sums of its metrics, by
// name and by name{value} of their first label.
type figures map[string]float64

// readFigures reads the metrics as a scrape would.
func readFigures(r prometheus.Gatherer) figures {
	f := figures{}
	families, err := r.Gather()
	if err != nil {
		return f
	}
	for _, family := range families {
		for _, m := range family.Metric {
			v := m.GetCounter().GetValue() + m.GetGauge().GetValue()
			f[family.GetName()] += v
			if len(m.Label) == 1 {
				f[family.GetName()+"{"+m.Label[0].GetValue()+"}"] += v
			}
		}
	}
	return f
}

// events is how many events the service has read; with a result, how many ended in it.
func (f figures) events(result string) int {
	if result == "" {
		return int(f["aggregator_events_total"])
	}
	return int(f["aggregator_events_total{"+result+"}"])
}

func (f figures) of(name string) int { return int(f["aggregator_"+name]) }

// counts looks up how near subjects are to their limits: what the service itself has
// stored.
type counts struct {
	program *stream.Program
	store   *windowstore.Mem
	world   *world
}

// nearest is the n subjects nearest to a limit, each with its nearest rule: those
// below it first. It may lack a subject that is just being written.
func (c *counts) nearest(ctx context.Context, n int) []stream.Standing {
	incidents, accounts := c.world.subjects()
	var list []stream.Standing
	for _, id := range incidents {
		list = c.best(ctx, thresholds.Incident, id, list)
	}
	for _, id := range accounts {
		list = c.best(ctx, thresholds.Account, id, list)
	}
	slices.SortStableFunc(list, func(a, b stream.Standing) int {
		return cmp.Or(compareBool(reached(&a), reached(&b)), cmp.Compare(b.Progress, a.Progress))
	})
	return list[:min(n, len(list))]
}

// best appends the standing of a subject that is nearest to its limit, from
// below if there is one.
func (c *counts) best(ctx context.Context, kind thresholds.Kind, id string, list []stream.Standing) []stream.Standing {
	all, err := c.program.Standings(ctx, c.store, demoShards, kind, id, nil)
	if err != nil || len(all) == 0 {
		return list
	}
	return append(list, slices.MinFunc(all, func(a, b stream.Standing) int {
		return cmp.Or(compareBool(reached(&a), reached(&b)), cmp.Compare(b.Progress, a.Progress))
	}))
}

func reached(s *stream.Standing) bool { return s.Progress >= uint64(thresholds.LevelOne) }

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
