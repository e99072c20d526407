package thresholds

import (
	"fmt"
	"regexp"
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

// ruleReader reads the rules of a file.
type ruleReader struct {
	*reader
	measures   *measures
	maxMembers uint64
	unread     bool // the id of a rule, or all of one, could not be read: whatever names a rule may mean it
}

// read reads the list of rules into p.
func (r *ruleReader) read(at strictyaml.Place, p *Pack) {
	items, ok := r.List(at, "a list of rules, each with id, by, window, step and limits")
	r.unread = !ok
	lines := map[string]int{}
	for _, item := range items {
		rule, ok := r.rule(item)
		r.unread = r.unread || !ok || rule.ID == ""
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

func (r *ruleReader) rule(at strictyaml.Place) (*Rule, bool) {
	f, ok := r.Fields(at, "a rule with id, by, window, step and limits",
		"id", "title", "cite", "by", "window", "step", "limits", "combine", "levels", "clear", "shadow")
	if !ok {
		return nil, false
	}
	d := &draft{Rule: &Rule{}, at: at}
	r.heading(f, d)
	if at, ok := r.Need(f, "by", "say for which kind of subject it counts: "+alternatives(packKinds)); ok {
		i, ok := r.choice(at, "a kind of subject", packKinds)
		d.By, d.kind = Kind(i), ok
	}
	readWindow(r.reader, f, d.Rule)
	if at, ok := r.Need(f, "limits", "write measures with their limits, as limits: {clicks: 50000}"); ok {
		d.sound = r.limits(at, d)
	}
	if at, ok := f.Get("combine"); ok {
		d.sound = r.combine(at, d) && d.sound
	}
	if at, ok := f.Get("shadow"); ok {
		d.Shadow = r.truth(at, "true where the rule is only tried, or false")
	}
	levels := levelsReader{r.reader, r.maxMembers, d}
	levels.read(f)
	if d.sound && d.Combine == Ratio {
		d.ratio = newRatio(d.Limits)
	}
	return d.Rule, true
}

// heading reads what the rule is called.
func (r *ruleReader) heading(f strictyaml.Fields, d *draft) {
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

// limits reads the measures with their limits, in the file's order, and says
// whether all are sound.
func (r *ruleReader) limits(at strictyaml.Place, d *draft) bool {
	list, sound := r.Pairs(at, "measures with their limits, as {clicks: 50000}")
	if sound && at.Len() == 0 {
		r.Fault(at, "there are no limits; write measures with their limits, as {clicks: 50000}")
	}
	for _, p := range list {
		if r.Exhausted() {
			return false
		}
		m, known := r.measures.named(p.Key)
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
func (r *ruleReader) combine(at strictyaml.Place, d *draft) bool {
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
func (r *ruleReader) atLeast(at strictyaml.Place, d *draft) bool {
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
