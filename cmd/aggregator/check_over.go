package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/seed-afe14ff2/aggregator/internal/packdiff"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/stream/listing"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	redisstore "github.com/seed-afe14ff2/aggregator/internal/windows/store/redis"
)

// namedOver is how many subjects are named that are over the limit of a rule.
const namedOver = 20

// over is which subjects are at the limit of a rule that is not in force yet, or over it.
type over struct {
	rule      *thresholds.Rule
	names     []nameOver // the furthest first, when sorted
	announced int        // of these
	below     int        // other subjects that have reached a level which was not announced
}

// nameOver is a subject, and how far it is, in 1/10,000 of the limit.
type nameOver struct {
	subject  string
	progress uint64
}

// add adds where a subject is.
func (o *over) add(at *inspect.Standing) {
	switch {
	case at.Progress >= uint64(thresholds.LevelOne):
		o.names = append(o.names, nameOver{at.Subject, at.Progress})
		if at.State.Level >= thresholds.LevelOne {
			o.announced++
		}
	case at.Pending > 0:
		o.below++
	}
}

// text is a line about it.
func (o *over) text() string {
	slices.SortFunc(o.names, func(a, b nameOver) int {
		return cmp.Or(cmp.Compare(b.progress, a.progress), cmp.Compare(a.subject, b.subject))
	})
	var b strings.Builder
	fmt.Fprintf(&b, "over     %s: subjects over the limit now: %d, of which announced: %d; below it, with a level that was not announced: %d\n",
		o.rule.ID, len(o.names), o.announced, o.below)
	for _, n := range o.names[:min(len(o.names), namedOver)] {
		fmt.Fprintf(&b, "           %s/%s: %v\n", o.rule.By, thresholds.AppendPlain(nil, n.subject), thresholds.Level(n.progress))
	}
	if more := len(o.names) - namedOver; more > 0 {
		fmt.Fprintf(&b, "           and %d more\n", more)
	}
	return b.String()
}

// overNow says which subjects are over the limits of rules that come or change, by the records of those that the rules of before list.
func overNow(ctx context.Context, s *session, c *config, before, now *packSet, changes *packdiff.Difference) error {
	store, err := redisstore.New(ctx, c.redis)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }() // it was only read
	was, err := before.compile(c)
	if err != nil {
		return err
	}
	is, err := now.compile(c)
	if err != nil {
		return err
	}
	found := map[string]*over{}
	for r := range is.Rules {
		if changes.Has(r.ID) {
			found[r.ID] = &over{rule: r}
		}
	}
	lists := &listing.Reader{Program: was, Store: store, Shards: c.shards}
	wanted := func(r *thresholds.Rule) bool { return found[r.ID] != nil }
	if err := lists.Standings(ctx, is, nil, wanted, func(at *inspect.Standing) { found[at.Rule.ID].add(at) }); err != nil {
		return fmt.Errorf("check: read which subjects are over the limits: %w", err)
	}
	for r := range is.Rules {
		if o := found[r.ID]; o != nil {
			if _, err := io.WriteString(s.out, o.text()); err != nil {
				return fmt.Errorf("write output: %w", err)
			}
		}
	}
	return nil
}
