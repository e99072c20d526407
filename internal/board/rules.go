package board

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// rule is a rule in force, and how many subjects are near it.
type rule struct {
	Rule     string          `json:"rule"`
	Title    string          `json:"title"`
	Cite     string          `json:"cite"`
	Pack     string          `json:"pack"`
	PackHash string          `json:"pack_hash"`
	By       string          `json:"by"`
	Window   string          `json:"window"`
	Step     *string         `json:"step"` // null: there are no steps, as the window is all time
	Limits   json.RawMessage `json:"limits"`
	Combine  string          `json:"combine"`
	Levels   []json.Number   `json:"levels"`
	Clear    *json.Number    `json:"clear"`
	Shadow   bool            `json:"shadow"`
	Near     *int            `json:"near"`
	Over     *int            `json:"over"`
}

// rulePlace is where the list of rules goes on: after a rule.
type rulePlace struct {
	After string `json:"r"`
}

func (b *Board) getRules(ctx context.Context, s *Sources, q *query) (any, error) {
	var all []*thresholds.Rule
	for r := range s.Program.Rules {
		all = append(all, r)
	}
	var after rulePlace
	if given, err := q.cursor(&after); err != nil {
		return nil, err
	} else if given {
		i := indexOf(all, after.After)
		if i < 0 {
			return nil, badCursor()
		}
		all = all[i+1:]
	}
	counts, err := countsOf(ctx, s)
	if err != nil {
		return nil, err
	}
	next := ""
	if n := limitOf(q); len(all) > n {
		all = all[:n]
		next = encodeCursor(rulePlace{all[n-1].ID})
	}
	var items []rule
	for _, r := range all {
		items = append(items, newRule(r, counts))
	}
	return listOf(items, next), nil
}

func indexOf(list []*thresholds.Rule, id string) int {
	for i, r := range list {
		if r.ID == id {
			return i
		}
	}
	return -1
}

// countsOf is how many subjects are listed at half of the limit or more, and at the limit or more, by rule; nil: that is not known.
func countsOf(ctx context.Context, s *Sources) (map[string][]int, error) {
	if s.Nearest == nil {
		return nil, nil
	}
	return s.Nearest.Counts(ctx, thresholds.LevelOne/2, thresholds.LevelOne)
}

func newRule(r *thresholds.Rule, counts map[string][]int) rule {
	out := rule{
		Rule: r.ID, Title: r.Title, Cite: r.Cite, Pack: r.Pack.Name, PackHash: r.Pack.Hash, By: r.By.String(), Window: r.WindowText,
		Step: stepText(r), Limits: limitsText(r), Combine: combineText(r), Shadow: r.Shadow,
	}
	for _, l := range r.Levels {
		out.Levels = append(out.Levels, json.Number(l.String()))
	}
	if r.Clear > 0 {
		n := json.Number(r.Clear.String())
		out.Clear = &n
	}
	if counts != nil {
		out.Near, out.Over = &counts[r.ID][0], &counts[r.ID][1]
	}
	return out
}

// stepText is a rule's step as a pack writes it; nil: it has none.
func stepText(r *thresholds.Rule) *string {
	if r.Step == 0 {
		return nil
	}
	s := thresholds.DurationText(r.Step)
	return &s
}

// limitsText is the limits by measure, in the pack's order.
func limitsText(r *thresholds.Rule) json.RawMessage {
	b := []byte{'{'}
	for i, l := range r.Limits {
		if i > 0 {
			b = append(b, ',')
		}
		name, err := json.Marshal(l.Measure.Name)
		if err != nil {
			panic("BUG: a name that is no JSON: " + err.Error())
		}
		b = append(append(b, name...), ':')
		b = strconv.AppendUint(b, l.Value, 10)
	}
	return append(b, '}')
}

func combineText(r *thresholds.Rule) string {
	switch r.Combine {
	case thresholds.All:
		return "all"
	case thresholds.AtLeast:
		return fmt.Sprintf("at-least-%d", r.K)
	case thresholds.Ratio:
		return "ratio"
	}
	return "any"
}
