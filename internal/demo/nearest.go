package demo

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/humanize"
	"github.com/seed-afe14ff2/aggregator/internal/stream"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// standings looks up how near subjects are to their limits: what the service itself has
// stored.
type standings struct {
	reader *inspect.Reader
	world  *world
}

func (d *demo) reader() *inspect.Reader {
	return &inspect.Reader{Program: d.program, Store: d.store, Shards: stream.DefaultShards}
}

// nearest is the n subjects nearest to a limit, each with its nearest rule: those
// below it first. It may lack a subject that is just being written.
func (c *standings) nearest(ctx context.Context, n int) []inspect.Standing {
	incidents, accounts := c.world.subjects()
	var list []inspect.Standing
	for _, id := range incidents {
		list = c.best(ctx, thresholds.Incident, id, list)
	}
	for _, id := range accounts {
		list = c.best(ctx, thresholds.Account, id, list)
	}
	slices.SortStableFunc(list, func(a, b inspect.Standing) int {
		return cmp.Or(compareBool(reached(&a), reached(&b)), cmp.Compare(b.Progress, a.Progress))
	})
	return list[:min(n, len(list))]
}

// best appends the standing of a subject that is nearest to its limit, from
// below if there is one.
func (c *standings) best(ctx context.Context, kind thresholds.Kind, id string, list []inspect.Standing) []inspect.Standing {
	all, err := c.reader.Standings(ctx, nil, kind, id)
	if err != nil || len(all) == 0 {
		return list
	}
	return append(list, slices.MinFunc(all, func(a, b inspect.Standing) int {
		return cmp.Or(compareBool(reached(&a), reached(&b)), cmp.Compare(b.Progress, a.Progress))
	}))
}

func reached(s *inspect.Standing) bool { return s.Progress >= uint64(thresholds.LevelOne) }

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// standingText is a subject's standing in words: incident inc-1, art3-clicks: 52 %, 26,000 of 50,000 clicks.
func standingText(s *inspect.Standing) string {
	return fmt.Sprintf("%s %s, %s: %d %%, %s", s.Rule.By, s.Subject, s.Rule.ID, s.Progress/100, nearestMeasure(s))
}

// nearestMeasure is the measure of a standing that is nearest to its own limit.
func nearestMeasure(s *inspect.Standing) string {
	best, most := 0, -1.0
	for i, v := range s.Values {
		if share := float64(v.Value) / float64(s.Rule.Limits[i].Value); share > most {
			best, most = i, share
		}
	}
	l := s.Rule.Limits[best]
	return fmt.Sprintf("%s of %s %s", humanize.Number(int(s.Values[best].Value)), humanize.Number(int(l.Value)), l.Measure.Name)
}
