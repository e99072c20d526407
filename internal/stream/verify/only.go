package verify

import (
	"context"
	"errors"
	"fmt"

	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// errNoSubject is a subject of which neither side has anything.
var errNoSubject = errors.New("neither the log nor the store has it: is its name KIND/ID as crossings have it?")

// leaveOthers drops all shards except that of the one subject, and returns its number.
func (v *verification) leaveOthers() int {
	only := v.onlyShard()
	for n := range v.Shards {
		if n != only {
			v.recount.forget(n)
		}
	}
	return only
}

func (v *verification) onlyShard() int {
	return windowstore.ShardOf(v.Only.Kind.String(), []byte(v.Only.ID), v.Shards)
}

// compareOnly compares the one subject.
func (v *verification) compareOnly(ctx context.Context) error {
	n := v.onlyShard()
	keys := [][]byte{v.Store.Keys().AppendRecordKey(nil, n, v.Only.Kind.String(), []byte(v.Only.ID))}
	for len(keys) > 0 { // until it is not written while it is read
		again, err := v.compareTogether(ctx, n, keys)
		if err != nil {
			return fmt.Errorf("shard %d: %w", n, err)
		}
		keys = again
	}
	if v.Subjects+v.Differences == 0 && v.Open == ([NumReasons]int{}) {
		return fmt.Errorf("%v/%s: %w", v.Only.Kind, v.Only.ID, errNoSubject)
	}
	return nil
}

// outcome is what came of comparing a counter, or a level.
type outcome struct {
	differs bool
	open    string // why not all of it was compared; "": it was
}

// agrees reports whether both sides agree. It is nil where they do as far as they were compared, which is not all of it.
func (o *outcome) agrees() *bool {
	if o.open != "" && !o.differs {
		return nil
	}
	agrees := !o.differs
	return &agrees
}

// observed compares something, and returns what came of it.
func (c *comparing) observed(compare func(int), i int) (o outcome) {
	differences, open := c.result.Differences, c.result.Open
	compare(i)
	o.differs = c.result.Differences > differences
	for r, n := range c.result.Open {
		if n > open[r] {
			o.open = Reason(r).String()
		}
	}
	return o
}

// tell tells what both sides have, by rule. The outcomes are by number.
func (c *comparing) tell(counters, levels []outcome) {
	t := &c.program.Kinds[c.kind]
	for r := range t.Rules {
		rule := &t.Rules[r]
		for l, i := range rule.Counters {
			c.told(Finding{
				Difference: Difference{
					Subject: c.name, Rule: rule.ID, Measure: rule.Limits[l].Measure.Name, What: "value",
					Want: readingOf(c.want, i), Got: readingOf(c.got, i),
				},
				Agrees: counters[i].agrees(), Open: counters[i].open,
			})
		}
		c.told(Finding{
			Difference: Difference{
				Subject: c.name, Rule: rule.ID, What: "level", Want: announcedLevel(c.want.RuleState(r)), Got: announcedLevel(c.got.RuleState(r)),
			},
			Agrees: levels[r].agrees(), Open: levels[r].open,
		})
	}
}
