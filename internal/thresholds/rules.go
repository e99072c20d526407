package thresholds

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-afe14ff2/aggregator/internal/strictyaml"
)

// draft is a rule with what is known only while reading.
type draft struct {
	*Rule
	at     strictyaml.Place   // of the rule
	limits []strictyaml.Place // of the limits' values, by limit
	kind   bool               // by was read
	sound  bool               // all limits were read: levels can be checked against them
}

// rules reads the list of rules into p.
func (r *reader) rules(at strictyaml.Place, ms *measures, p *Pack) {
	items, ok := r.List(at, "a list of rules, each with id, by, window, step and limits")
	r.rulesUnread = !ok
	lines := map[string]int{}
	for _, item := range items {
		rule, ok := r.rule(item, ms)
		r.rulesUnread = r.rulesUnread || !ok || rule.ID == ""
		if !ok || r.Exhausted() {
			continue
		}
		if line, again := lines[rule.ID]; again && rule.ID != "" {
			r.Add(strictyaml.Fault{
				Line: rule.line, Column: rule.column, Path: strictyaml.Join(item.Path, "id"),
				Message: fmt.Sprintf("the id %s is taken by the rule in line %d; rename one", strictyaml.Quote(rule.ID), line),
			})
		} else {
			lines[rule.ID] = rule.line
		}
		rule.Pack = p
		p.Rules = append(p.Rules, rule)
	}
}

func (r *reader) rule(at strictyaml.Place, ms *measures) (*Rule, bool) {
	f, ok := r.Fields(at, "a rule with id, by, window, step and limits",
		"id", "title", "cite", "by", "window", "step", "limits", "combine", "levels", "clear")
	if !ok {
		return nil, false
	}
	d := &draft{Rule: &Rule{}, at: at}
	r.heading(f, d)
	if at, ok := r.Need(f, "by", "say for which kind of subject it counts: "+alternatives(kindNames[:])); ok {
		i, ok := r.choice(at, "a kind of subject", kindNames[:])
		d.By, d.kind = Kind(i), ok
	}
	r.window(f, d)
	if at, ok := r.Need(f, "limits", "write measures with their limits, as limits: {clicks: 50000}"); ok {
		d.sound = r.limits(at, ms, d)
	}
	if at, ok := f.Get("combine"); ok {
		d.sound = r.combine(at, d) && d.sound
	}
	r.levels(f, d)
	if d.sound && d.Combine == Ratio {
		d.ratio = newRatio(d.Limits)
	}
	return d.Rule, true
}

// heading reads what the rule is called.
func (r *reader) heading(f strictyaml.Fields, d *draft) {
	if at, ok := r.Need(f, "id", "name the rule, as id: clicks-50000"); ok {
		d.ID = r.id(at)
		d.line, d.column = at.Line, at.Column
	}
	if at, ok := f.Get("title"); ok {
		d.Title, _ = r.text(at, "a title", maxTitle)
	}
	if at, ok := f.Get("cite"); ok {
		d.Cite, _ = r.text(at, "where the limit comes from", maxTitle)
	}
}

// maxSteps is the most steps of a window: a counter keeps a bucket for each.
const maxSteps = 1_000

// window reads window and step.
func (r *reader) window(f strictyaml.Fields, d *draft) {
	step, hasStep := f.Get("step")
	at, ok := r.Need(f, "window", "write an integer and s, m, h or d, as window: 730d, or window: all")
	if ok && at.Value == "all" {
		d.WindowText = "all"
		if hasStep {
			r.Fault(step, "the window all has no steps; take step out")
		}
		return
	}
	if ok {
		d.Window, ok = r.windowOf(at)
		d.WindowText = at.Value
	}
	if !hasStep {
		r.Need(f, "step", "write how finely the window moves, as step: "+stepFor(d.Window, d.Window/maxSteps))
		return
	}
	var stepOK bool
	if d.Step, stepOK = r.duration(step, "a step", 1); ok && stepOK {
		r.divides(step, d)
	}
}

func (r *reader) windowOf(at strictyaml.Place) (int64, bool) {
	if at.Scalar() && strictyaml.Nearest(at.Value, []string{"all"}) == "all" {
		r.Fault(at, `%s is not a window; did you mean "all"?`, strictyaml.Quote(at.Value))
		return 0, false
	}
	return r.duration(at, "a window", 1)
}

// divides checks step against window.
func (r *reader) divides(at strictyaml.Place, d *draft) {
	window := d.WindowText
	switch {
	case d.Step > d.Window:
		r.Fault(at, "the step is longer than the window %s; write %s or less", window, window)
	case d.Window/d.Step > maxSteps:
		r.Fault(at, "the window %s has %d of these steps; at most %d are allowed: write %s or more",
			window, (d.Window+d.Step-1)/d.Step, maxSteps, stepFor(d.Window, d.Step))
	case d.Window%d.Step != 0:
		r.Fault(at, "the step does not divide the window %s; write %s", window, stepNear(d.Window, d.Step))
	}
}

// stepFor proposes a step of at least least seconds that divides window. It is the shortest in the
// largest unit that still gives ten steps, where there is such a step.
func stepFor(window, least int64) string {
	for _, fewest := range []int64{10, 2, 1} {
		for _, u := range unitSeconds {
			for n := int64(maxSteps); n >= fewest && window > 0; n-- {
				if step := window / n; window%n == 0 && step%u.seconds == 0 && step >= least {
					return durationString(step)
				}
			}
		}
	}
	return "1d"
}

// stepNear proposes the step nearest to wanted seconds that divides window: in the largest
// unit that has one within half to double of it.
func stepNear(window, wanted int64) string {
	for _, u := range unitSeconds {
		best := int64(0)
		for n := int64(1); n <= maxSteps; n++ {
			step := window / n
			if window%n != 0 || step%u.seconds != 0 || step > 2*wanted || 2*step < wanted {
				continue
			}
			if best == 0 || max(step-wanted, wanted-step) < max(best-wanted, wanted-best) {
				best = step
			}
		}
		if best > 0 {
			return durationString(best)
		}
	}
	return stepFor(window, wanted)
}

// limits reads the measures with their limits, in the file's order, and says
// whether all are sound.
func (r *reader) limits(at strictyaml.Place, ms *measures, d *draft) bool {
	list, sound := r.Pairs(at, "measures with their limits, as {clicks: 50000}")
	if sound && at.Len() == 0 {
		r.Fault(at, "there are no limits; write measures with their limits, as {clicks: 50000}")
	}
	for _, p := range list {
		if r.Exhausted() {
			return false
		}
		m, known := r.measureNamed(ms, p.Key)
		value, ok := r.whole(p.Value, "a limit", 1, MaxValue)
		if !known || !ok || !m.sound {
			sound = false
			continue
		}
		d.Limits = append(d.Limits, Limit{Measure: m.Measure, Value: value})
		d.limits = append(d.limits, p.Value)
	}
	return sound && len(d.Limits) > 0 && len(list) == at.Len()
}

const atLeast = "at-least-"

var almostAtLeast = regexp.MustCompile(`(?i)^(?:at[ _-]?least[ _-]?)?([1-9][0-9]{0,3})$`)

// combine reads how the measures make one progress; false if that is not known.
func (r *reader) combine(at strictyaml.Place, d *draft) bool {
	if at.Scalar() && strings.HasPrefix(at.Value, atLeast) {
		return r.atLeast(at, d)
	}
	if m := almostAtLeast.FindStringSubmatch(at.Value); m != nil {
		r.Fault(at, "%s is not a way to combine; did you mean %q?", strictyaml.Quote(at.Value), atLeast+m[1])
		return false
	}
	i, ok := r.choice(at, "a way to combine", []string{"any", "all", atLeast + "2", "ratio"})
	d.Combine = Combine(i)
	return ok
}

// atLeast reads the K of at-least-K.
func (r *reader) atLeast(at strictyaml.Place, d *draft) bool {
	d.Combine = AtLeast
	text := strings.TrimPrefix(at.Value, atLeast)
	k, err := strconv.ParseUint(text, 10, 31)
	if err != nil || !digits.MatchString(text) || strings.HasPrefix(text, "0") {
		r.Fault(at, "%s is not at-least-K; write how many measures must reach the level, from 1, as at-least-2", strictyaml.Quote(at.Value))
		return false
	}
	d.K = int(k)
	if d.sound && d.K > len(d.Limits) {
		r.Fault(at, "at-least-%d of %d measures is never reached; write at-least-%d or less", d.K, len(d.Limits), len(d.Limits))
		return false
	}
	return true
}

// Cap is the most keys that this rule wants kept of its i-th limit's measure, if that counts
// distinct keys. It is ten times what the highest level asks, and at most maxMembers: keys may then
// leave the window without the count becoming inexact.
func (r *Rule) Cap(i, maxMembers int) int {
	keys := asks(r.Limits[i].Value, 10*slices.Max(r.Levels))
	return int(min(keys, uint64(maxMembers)))
}
