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
	return fmt.Sprintf("%s %s, %s: %d %%, %s", s.Rule.By, s.Subject, s.Rule.ID, s.Progress/100, nearestPart(s).text())
}

// part is how much of a limit a measure has reached.
type part struct {
	measure string
	value   uint64
	limit   uint64
}

func (s part) of() float64 { return float64(s.value) / float64(s.limit) }

// numbers are the part for readers: 26,000 of 50,000.
func (s part) numbers() string {
	return humanize.Number(int(s.value)) + " of " + humanize.Number(int(s.limit))
}

func (s part) text() string { return s.numbers() + " " + s.measure }

// nearestPart is the measure of a standing that is nearest to its own limit.
func nearestPart(s *inspect.Standing) (best part) {
	for i, v := range s.Values {
		l := s.Rule.Limits[i]
		if one := (part{l.Measure.Name, v.Value, l.Value}); i == 0 || one.of() > best.of() {
			best = one
		}
	}
	return best
}
