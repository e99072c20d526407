package packdiff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// Difference is what differs between packs of before and packs of now.
type Difference struct {
	Added    []Rule    `json:"added"`    // in the order of the packs of now
	Removed  []Rule    `json:"removed"`  // in the order of the packs of before
	Changed  []Change  `json:"changed"`  // in the order of the packs of now
	Counters []Counter `json:"counters"` // those that begin anew, each once

	// Open is how many episodes stay open of the rules that Silenced names, by rule; nil: that was not counted.
	Open map[string]int `json:"open,omitempty"`
}

// Rule names a rule.
type Rule struct {
	Rule string `json:"rule"`
	Pack string `json:"pack"`
}

// Change is a rule that is another one than before.
type Change struct {
	Rule
	What []What `json:"changes"`
}

// What is one thing that differs. Texts are as a pack writes them; "" is a thing that is not there.
type What struct {
	Key string `json:"key"` // of the rule, as "levels"; "limits.clicks" for the limit of a measure
	Old string `json:"old"`
	New string `json:"new"`
}

// Counter is a counter that nothing was counted in before.
type Counter struct {
	Rule    string `json:"rule"`    // the first that reads it
	Measure string `json:"measure"` // its name there
	Why     string `json:"why"`
}

// Empty reports whether nothing differs that decides anything, or that people read of a rule.
func (d *Difference) Empty() bool {
	return len(d.Added)+len(d.Removed)+len(d.Changed)+len(d.Counters) == 0
}

// Has reports whether a rule of now is added or changed.
func (d *Difference) Has(id string) bool {
	return slices.ContainsFunc(d.Added, func(r Rule) bool { return r.Rule == id }) ||
		slices.ContainsFunc(d.Changed, func(c Change) bool { return c.Rule.Rule == id })
}

// Silenced are the rules that announce nothing more from now on: what is removed, or made shadow, and was not shadow before.
func Silenced(before, now []*thresholds.Pack) (ids []string) {
	is := rules(now)
	for _, r := range rules(before) {
		if left := find(is, r.ID); !r.Shadow && (left == nil || left.Shadow) {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// Of is the difference between packs that are without faults.
func Of(before, now []*thresholds.Pack) *Difference {
	d := &Difference{Added: []Rule{}, Removed: []Rule{}, Changed: []Change{}, Counters: []Counter{}}
	was, is := rules(before), rules(now)
	counted := map[string]bool{}
	for _, r := range was {
		for _, l := range r.Limits {
			for m := l.Measure; m != nil; m = m.After {
				counted[identity(r, m)] = true
			}
		}
		if find(is, r.ID) == nil {
			d.Removed = append(d.Removed, named(r))
		}
	}
	for _, r := range is {
		old := find(was, r.ID)
		if old == nil {
			d.Added = append(d.Added, named(r))
		} else if what := compare(old, r); len(what) > 0 {
			d.Changed = append(d.Changed, Change{named(r), what})
		}
		for _, l := range r.Limits {
			if id := identity(r, l.Measure); !counted[id] {
				counted[id] = true
				d.Counters = append(d.Counters, Counter{r.ID, l.Measure.Name, why(old, r, l.Measure)})
			}
		}
	}
	return d
}

func rules(packs []*thresholds.Pack) (all []*thresholds.Rule) {
	for _, p := range packs {
		all = append(all, p.Rules...)
	}
	return all
}

func find(list []*thresholds.Rule, id string) *thresholds.Rule {
	if i := slices.IndexFunc(list, func(r *thresholds.Rule) bool { return r.ID == id }); i >= 0 {
		return list[i]
	}
	return nil
}

func named(r *thresholds.Rule) Rule { return Rule{r.ID, r.Pack.Name} }

// identity is what the counter of a measure is kept under: a counter is what it counts.
func identity(r *thresholds.Rule, m *thresholds.Measure) string {
	return fmt.Sprintf("%v %d %d %s", r.By, r.Window, r.Step, m.Definition())
}

// compare is what differs between a rule of before and the one of now.
func compare(old, now *thresholds.Rule) (what []What) {
	for _, x := range []What{
		{"pack", old.Pack.Name, now.Pack.Name},
		{"by", old.By.String(), now.By.String()},
		{"window", window(old), window(now)},
		{"step", step(old), step(now)},
		{"combine", combine(old), combine(now)},
		{"levels", levels(old), levels(now)},
		{"clear", clearOf(old), clearOf(now)},
		{"shadow", shadow(old), shadow(now)},
		{"title", old.Title, now.Title},
		{"cite", old.Cite, now.Cite},
	} {
		if x.Old != x.New {
			what = append(what, x)
		}
	}
	for _, l := range old.Limits {
		if after := limit(now, l.Measure.Name); after != limitText(l) {
			what = append(what, What{"limits." + l.Measure.Name, limitText(l), after})
		}
	}
	for _, l := range now.Limits {
		if limit(old, l.Measure.Name) == "" {
			what = append(what, What{"limits." + l.Measure.Name, "", limitText(l)})
		}
	}
	return append(what, definitions(old, now)...)
}

// definitions is which measures of one name count something else.
func definitions(old, now *thresholds.Rule) (what []What) {
	for _, l := range now.Limits {
		m := measure(old, l.Measure.Name)
		if m != nil && m.Definition() != l.Measure.Definition() {
			what = append(what, What{"measures." + m.Name, m.Definition(), l.Measure.Definition()})
		}
	}
	return what
}

// why is why nothing was counted in the counter of a measure before, by the rule of before; nil: there was none.
func why(old, now *thresholds.Rule, m *thresholds.Measure) string {
	if old == nil {
		return "the rule is new, and no other counted this"
	}
	var list []string
	if old.By != now.By {
		list = append(list, fmt.Sprintf("by was %v", old.By))
	}
	if window(old) != window(now) {
		list = append(list, "window was "+window(old))
	}
	if step(old) != step(now) {
		list = append(list, "step was "+orNone(step(old)))
	}
	was := measure(old, m.Name)
	switch {
	case was == nil:
		list = append(list, "the rule had no limit for a measure of this name")
	case was.Definition() != m.Definition():
		list = append(list, "it counted: "+was.Definition())
	}
	return strings.Join(list, "; ")
}

func measure(r *thresholds.Rule, name string) *thresholds.Measure {
	for _, l := range r.Limits {
		if l.Measure.Name == name {
			return l.Measure
		}
	}
	return nil
}
