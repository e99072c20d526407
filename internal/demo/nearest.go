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

// nearest is the n rows nearest to a limit and below it, a rule and a subject each, in the order in which the board has them;
// and how many are at their limit, or over it. It may lack a subject that is just being written.
func (c *standings) nearest(ctx context.Context, n int) (list []inspect.Standing, over int) {
	incidents, accounts := c.world.subjects()
	for _, id := range incidents {
		list = c.appendListed(ctx, thresholds.Incident, id, list)
	}
	for _, id := range accounts {
		list = c.appendListed(ctx, thresholds.Account, id, list)
	}
	all := len(list)
	list = slices.DeleteFunc(list, func(s inspect.Standing) bool { return s.Progress >= uint64(thresholds.LevelOne) })
	slices.SortStableFunc(list, func(a, b inspect.Standing) int {
		return cmp.Or(cmp.Compare(b.Progress, a.Progress), cmp.Compare(a.Rule.By, b.Rule.By), cmp.Compare(a.Subject, b.Subject))
	})
	return list[:min(n, len(list))], all - len(list)
}

// leastListed is the progress from which on a row is listed, 1/10,000 of the limit.
const leastListed = 1_000

// appendListed appends the rows of a subject that the board lists, in the packs' order.
func (c *standings) appendListed(ctx context.Context, kind thresholds.Kind, id string, list []inspect.Standing) []inspect.Standing {
	all, err := c.reader.Standings(ctx, nil, kind, id)
	if err != nil {
		return list
	}
	return append(list, slices.DeleteFunc(all, func(s inspect.Standing) bool { return s.Progress < leastListed && s.State.Level == 0 })...)
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
