package stream

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/cespare/xxhash/v2"

	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Program is the loaded packs, compiled: which counters each type of event
// feeds, and which rules each counter feeds. It is immutable and shared by all
// goroutines.
type Program struct {
	packs []*thresholds.Pack
	kinds [thresholds.NumKinds]kindTable
	types map[string][]match
	hash  uint64 // of the packs' hashes, in order
	// keysPerEvent is more than the keys that one event can add to a commit:
	// four records; for each counter it feeds a history, a chunk, another one that is split and what comes
	// of that; the crossings of all levels, and a clear of each rule.
	keysPerEvent int
}

// kindTable is what is kept and decided for one kind of subject.
type kindTable struct {
	layout windows.Layout
	// defs are the counters' definitions, by number: two counters of one
	// hash would be a collision, found when the program is compiled.
	defs []string
	// after is, by counter, the counter (First) that must precede; -1: none.
	after []int
	// feeds is, by counter, the rules that read it.
	feeds [][]int
	rules []boundRule
	byID  map[string]int // counter number by definition
}

// boundRule is a rule with the numbers of its counters.
type boundRule struct {
	*thresholds.Rule
	counters []int // by limit
}

// match is one counter that a type of event feeds.
type match struct {
	kind    thresholds.Kind
	counter int
	op      windows.Op
	key     event.Str // Distinct, Weighted
	num     int8      // the event.Num read; -1: none
	where   []filter
}

// filter is a condition on a string field of the event.
type filter struct {
	field  event.Str
	values []string
	not    bool
}

// Compile makes a program of packs, in the order given. maxMembers bounds the
// keys of a distinct counter. The packs must be valid and unique
// (thresholds.Parse, thresholds.Unique).
func Compile(packs []*thresholds.Pack, maxMembers int) (*Program, error) {
	p := &Program{packs: packs, types: map[string][]match{}}
	h := xxhash.New()
	for _, pack := range packs {
		_, _ = h.WriteString(pack.Hash)
		for _, r := range pack.Rules {
			p.addRule(r, maxMembers)
		}
	}
	p.hash = h.Sum64()
	p.keysPerEvent = int(thresholds.NumKinds)
	var tallest *thresholds.Rule
	for r := range p.Rules {
		p.keysPerEvent += len(r.Levels) + 1
		if tallest == nil || len(r.Levels) > len(tallest.Levels) {
			tallest = r
		}
	}
	most := 0
	for _, m := range p.types {
		most = max(most, len(m))
	}
	p.keysPerEvent += 4 * most
	if p.keysPerEvent > windowstore.MaxCommitKeys/2 {
		return nil, fmt.Errorf("compile packs: one event could write %d keys, more than %d: the rule %q of %s, with %d levels, has the most part in it: give rules fewer levels, or split the packs over several deployments",
			p.keysPerEvent, windowstore.MaxCommitKeys/2, tallest.ID, tallest.Pack.File, len(tallest.Levels))
	}
	return p, p.collisions()
}

// Packs are the packs the program was made of.
func (p *Program) Packs() []*thresholds.Pack { return p.packs }

// Rules calls yield with every rule, in the packs' order.
func (p *Program) Rules(yield func(*thresholds.Rule) bool) {
	for _, pack := range p.packs {
		for _, r := range pack.Rules {
			if !yield(r) {
				return
			}
		}
	}
}

func (p *Program) addRule(r *thresholds.Rule, maxMembers int) {
	k := &p.kinds[r.By]
	b := boundRule{Rule: r}
	number := len(k.rules)
	for i, l := range r.Limits {
		c := p.counter(r, l.Measure)
		spec := &k.layout.Counters[c]
		if spec.Op == windows.Distinct || spec.Op == windows.Weighted {
			spec.Cap = max(spec.Cap, r.Cap(i, maxMembers))
		}
		b.counters = append(b.counters, c)
		if !slices.Contains(k.feeds[c], number) {
			k.feeds[c] = append(k.feeds[c], number)
		}
	}
	k.rules = append(k.rules, b)
	k.layout.Rules = append(k.layout.Rules, xxhash.Sum64String(r.ID))
}

// counter returns the number of the counter of measure m for rule r, which is
// made if no rule before had it. A counter is what it counts: name and
// limit play no part.
func (p *Program) counter(r *thresholds.Rule, m *thresholds.Measure) int {
	op := windows.Sum
	if m.Op == thresholds.Distinct {
		op = windows.Distinct
		if m.Number != "" {
			op = windows.Weighted
		}
	}
	after := -1
	if m.After != nil {
		after = p.define(r, m.After, windows.First, -1)
	}
	return p.define(r, m, op, after)
}

func (p *Program) define(r *thresholds.Rule, m *thresholds.Measure, op windows.Op, after int) int {
	k := &p.kinds[r.By]
	def := strconv.Itoa(int(op)) + " " + m.Definition() + " window " + strconv.FormatInt(r.Window, 10) + " step " + strconv.FormatInt(r.Step, 10)
	if c, ok := k.byID[def]; ok {
		return c
	}
	if k.byID == nil {
		k.byID = map[string]int{}
	}
	c := len(k.defs)
	k.byID[def] = c
	k.defs = append(k.defs, def)
	spec := windows.Spec{ID: xxhash.Sum64String(def), Op: op, Step: r.Step * second}
	if r.Step > 0 {
		spec.N = r.Window / r.Step
	}
	k.layout.Counters = append(k.layout.Counters, spec)
	k.after = append(k.after, after)
	k.feeds = append(k.feeds, nil)
	p.addMatches(r.By, c, m, op)
	return c
}

func (p *Program) addMatches(kind thresholds.Kind, counter int, m *thresholds.Measure, op windows.Op) {
	for _, t := range m.Types {
		x := match{kind: kind, counter: counter, op: op, num: -1}
		if m.Op == thresholds.Distinct {
			x.key = mustStr(t.Key)
		}
		if m.Number != "" {
			x.num = int8(mustNum(m.Number))
		}
		for _, f := range m.Where {
			x.where = append(x.where, filter{field: mustStr(f.Field), values: f.Values, not: f.Not})
		}
		p.types[t.Type] = append(p.types[t.Type], x)
	}
}

// collisions reports two definitions, or two rules, of one hash.
func (p *Program) collisions() error {
	for k := range p.kinds {
		t := &p.kinds[k]
		seen := map[uint64]string{}
		for i, s := range t.layout.Counters {
			if other, ok := seen[s.ID]; ok {
				return fmt.Errorf("compile packs: counters %q and %q have the same hash: change one of the windows", other, t.defs[i])
			}
			seen[s.ID] = t.defs[i]
		}
		clear(seen)
		for i, id := range t.layout.Rules {
			if other, ok := seen[id]; ok {
				return fmt.Errorf("compile packs: rules %q and %q have the same hash: rename one", other, t.rules[i].ID)
			}
			seen[id] = t.rules[i].ID
		}
	}
	return nil
}

func mustStr(name string) event.Str {
	i := slices.Index(event.StrNames[:], name)
	if i < 0 {
		panic("BUG: no string field " + name)
	}
	return event.Str(i)
}

func mustNum(name string) event.Num {
	i := slices.Index(event.NumNames[:], name)
	if i < 0 {
		panic("BUG: no integer field " + name)
	}
	return event.Num(i)
}

// counts says whether a counter, by its hash, is in a loaded pack.
func (p *Program) counts(id uint64) bool {
	for k := range p.kinds {
		for i := range p.kinds[k].layout.Counters {
			if p.kinds[k].layout.Counters[i].ID == id {
				return true
			}
		}
	}
	return false
}

// named is the first rule that reads counter i, and the measure's name there.
func (t *kindTable) named(i int) (rule, measure string) {
	for r := range t.rules {
		for l, c := range t.rules[r].counters {
			switch m := t.rules[r].Limits[l].Measure; {
			case c == i:
				return t.rules[r].ID, m.Name
			case t.after[c] == i:
				return t.rules[r].ID, m.After.Name
			}
		}
	}
	panic("BUG: a counter of no rule: " + t.defs[i])
}
