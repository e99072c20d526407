package thresholds

import (
	"fmt"
	"slices"
	"strings"
)

// Changes is what packs have otherwise than those of before. Rules are known by their ids.
type Changes struct {
	Added   []string     `json:"added"`
	Removed []string     `json:"removed"`
	Changed []RuleChange `json:"changed"`
}

// RuleChange is a rule that is otherwise.
type RuleChange struct {
	Rule string   `json:"rule"`
	What []string `json:"what"` // "limit of clicks 50000, was 40000"
}

func (c RuleChange) String() string { return c.Rule + ": " + strings.Join(c.What, "; ") }

// Compare is what has changed from some packs to others, in the order of these.
func Compare(before, now []*Pack) Changes {
	c := Changes{Added: []string{}, Removed: []string{}, Changed: []RuleChange{}}
	old := map[string]*Rule{}
	for r := range allRules(before) {
		old[r.ID] = r
	}
	for r := range allRules(now) {
		was := old[r.ID]
		if was == nil {
			c.Added = append(c.Added, r.ID)
			continue
		}
		delete(old, r.ID)
		if what := compareRules(was, r); len(what) > 0 {
			c.Changed = append(c.Changed, RuleChange{r.ID, what})
		}
	}
	for r := range allRules(before) {
		if old[r.ID] != nil {
			c.Removed = append(c.Removed, r.ID)
		}
	}
	return c
}

func allRules(packs []*Pack) func(yield func(*Rule) bool) {
	return func(yield func(*Rule) bool) {
		for _, p := range packs {
			for _, r := range p.Rules {
				if !yield(r) {
					return
				}
			}
		}
	}
}

// compareRules is in what a rule is otherwise. Another kind, window or step, or what a measure counts, makes other counters, which begin anew.
func compareRules(was, is *Rule) (what []string) {
	note := func(of string, was, is any) {
		if a, b := fmt.Sprint(was), fmt.Sprint(is); a != b {
			what = append(what, fmt.Sprintf("%s %s, was %s", of, b, a))
		}
	}
	note("kind", was.By, is.By)
	note("window", was.WindowText, is.WindowText)
	note("step", stepText(was), stepText(is))
	note("combine", was.combineText(), is.combineText())
	for _, l := range is.Limits {
		i := was.limitOf(l.Measure.Name)
		if i < 0 {
			what = append(what, fmt.Sprintf("limit of %s %d, was none", l.Measure.Name, l.Value))
			continue
		}
		note("limit of "+l.Measure.Name, was.Limits[i].Value, l.Value)
		if was.Limits[i].Measure.counts() != l.Measure.counts() {
			what = append(what, l.Measure.Name+" counts otherwise")
		}
	}
	for _, l := range was.Limits {
		if is.limitOf(l.Measure.Name) < 0 {
			what = append(what, fmt.Sprintf("limit of %s none, was %d", l.Measure.Name, l.Value))
		}
	}
	note("levels", levelsText(was.Levels), levelsText(is.Levels))
	note("clear", clearText(was.Clear), clearText(is.Clear))
	note("title", was.Title, is.Title)
	note("cite", was.Cite, is.Cite)
	return what
}

func (r *Rule) limitOf(measure string) int {
	return slices.IndexFunc(r.Limits, func(l Limit) bool { return l.Measure.Name == measure })
}

// counts is what a measure counts, as a text.
func (m *Measure) counts() string {
	text := m.Definition()
	if m.After != nil {
		text += " after " + m.After.counts()
	}
	return text
}

func stepText(r *Rule) string {
	if r.Step == 0 {
		return "none"
	}
	return DurationText(r.Step)
}

func (r *Rule) combineText() string {
	switch r.Combine {
	case All:
		return "all"
	case AtLeast:
		return fmt.Sprintf("at-least-%d", r.K)
	case Ratio:
		return "ratio"
	}
	return "any"
}

func levelsText(levels []Level) string {
	var texts []string
	for _, l := range levels {
		texts = append(texts, l.String())
	}
	return strings.Join(texts, " ")
}

func clearText(l Level) string {
	if l == 0 {
		return "none"
	}
	return l.String()
}
