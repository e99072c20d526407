package packdiff

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// Text is the difference for people, a line for each thing.
func (d *Difference) Text() string {
	if d.Empty() {
		return "nothing changes\n"
	}
	var b strings.Builder
	for _, r := range d.Added {
		fmt.Fprintf(&b, "added    %s (pack %s)\n", r.Rule, plain(r.Pack))
	}
	for _, r := range d.Removed {
		fmt.Fprintf(&b, "removed  %s (pack %s): it ends nothing; %s\n", r.Rule, plain(r.Pack), d.stay(r.Rule))
	}
	for _, c := range d.Changed {
		fmt.Fprintf(&b, "changed  %s\n", c.Rule.Rule)
		for _, w := range c.What {
			fmt.Fprintf(&b, "           %s\n", w)
		}
		if _, silenced := d.Open[c.Rule.Rule]; silenced {
			fmt.Fprintf(&b, "           %s\n", d.stay(c.Rule.Rule))
		}
	}
	for _, c := range d.Counters {
		fmt.Fprintf(&b, "anew     %s, measure %s begins to count when the packs are in force: %s\n", c.Rule, plain(c.Measure), c.Why)
	}
	return b.String()
}

// stay says what becomes of the open episodes of a rule that announces nothing more.
func (d *Difference) stay(rule string) string {
	if n, ok := d.Open[rule]; ok {
		return fmt.Sprintf("%d open episodes stay open", n)
	}
	return "its open episodes stay open"
}

// Lines are the difference for a log: each kind of change as a list of texts.
func (d *Difference) Lines() (added, removed, changed, anew, open []string) {
	for _, r := range d.Added {
		added = append(added, r.Rule)
	}
	for _, r := range d.Removed {
		removed = append(removed, r.Rule)
	}
	for _, c := range d.Changed {
		changed = append(changed, c.String())
	}
	for _, c := range d.Counters {
		anew = append(anew, fmt.Sprintf("%s, measure %s: %s", c.Rule, plain(c.Measure), c.Why))
	}
	for _, rule := range slices.Sorted(maps.Keys(d.Open)) {
		open = append(open, fmt.Sprintf("%s: %d", rule, d.Open[rule]))
	}
	return added, removed, changed, anew, open
}

func (c *Change) String() string {
	var list []string
	for _, w := range c.What {
		list = append(list, w.String())
	}
	return c.Rule.Rule + ": " + strings.Join(list, "; ")
}

func (w What) String() string {
	return fmt.Sprintf("%s: %s -> %s", plain(w.Key), plain(orNone(w.Old)), plain(orNone(w.New)))
}

// plain is a text of a pack on one line.
func plain(s string) string {
	if strings.ContainsAny(s, " [],.") { // as lists and titles have them
		return string(thresholds.AppendShown(nil, []byte(s)))
	}
	return string(thresholds.AppendPlain(nil, s))
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func window(r *thresholds.Rule) string {
	if r.Window == 0 {
		return "all"
	}
	return thresholds.DurationText(r.Window)
}

func step(r *thresholds.Rule) string {
	if r.Step == 0 {
		return ""
	}
	return thresholds.DurationText(r.Step)
}

func combine(r *thresholds.Rule) string {
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

func levels(r *thresholds.Rule) string {
	var list []string
	for _, l := range r.Levels {
		list = append(list, l.String())
	}
	return "[" + strings.Join(list, ", ") + "]"
}

func clearOf(r *thresholds.Rule) string {
	if r.Clear == 0 {
		return ""
	}
	return r.Clear.String()
}

func shadow(r *thresholds.Rule) string { return strconv.FormatBool(r.Shadow) }

func limitText(l thresholds.Limit) string { return strconv.FormatUint(l.Value, 10) }

// limit is a rule's limit for a measure of a name; "": there is none.
func limit(r *thresholds.Rule, name string) string {
	for _, l := range r.Limits {
		if l.Measure.Name == name {
			return limitText(l)
		}
	}
	return ""
}
