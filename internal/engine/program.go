package engine

import (
	"fmt"
	"slices"
	"strconv"
	"time"

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
	// Kinds is what is kept and decided for each kind of subject.
	Kinds [thresholds.AllKinds]KindTable
	// Hash is the hash of the packs' hashes, in order: it stands in positions, and distinguishes
	// programs.
	Hash uint64
	// KeysPerEvent is more than the keys that one event can add to a commit. These are four
	// records; for each counter it feeds a history, a chunk, another chunk that is split and what
	// comes of that; the crossings of all levels, and a clear of each rule.
	KeysPerEvent int
	// MaxMembers bounds the keys of its distinct counters.
	MaxMembers int

	packs []*thresholds.Pack
	types map[string][]match
}

// KindTable is what is kept and decided for one kind of subject. Counters and rules have numbers: their places here.
type KindTable struct {
	// Layout is the counters and the rules' states that a subject has.
	Layout windows.Layout
	// After is, by counter, the counter (First) that must precede; -1: none.
	After []int
	// Rules are the rules, in the packs' order.
	Rules []BoundRule

	// defs are the counters' definitions, by number: two counters of one
	// hash would be a collision, found when the program is compiled.
	defs []string
	// feeds is, by counter, the rules that read it.
	feeds [][]int
	byID  map[string]int // counter number by definition
}

// BoundRule is a rule with the numbers of its counters.
type BoundRule struct {
	*thresholds.Rule
	Counters []int // by limit

	span windows.Spec // of each of its counters: step and number of buckets
	near []uint64     // by limit: what a counter has at least where the subject is near the rule's limit (NearLimit)
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
	p := &Program{packs: packs, types: map[string][]match{}, MaxMembers: maxMembers}
	h := xxhash.New()
	for _, pack := range packs {
		_, _ = h.WriteString(pack.Hash)
		for _, r := range pack.Rules {
			p.addRule(r.By, r, maxMembers)
		}
	}
	p.Hash = h.Sum64()
	p.addRule(thresholds.Canary, thresholds.CanaryRule(), maxMembers)
	p.KeysPerEvent = int(thresholds.NumKinds)
	var tallest *thresholds.Rule
	for r := range p.Rules {
		p.KeysPerEvent += len(r.Levels) + 1
		if tallest == nil || len(r.Levels) > len(tallest.Levels) {
			tallest = r
		}
	}
	most := 0
	for _, m := range p.types {
		most = max(most, len(m))
	}
	p.KeysPerEvent += 4 * most
	if p.KeysPerEvent > windowstore.MaxCommitKeys/2 {
		return nil, fmt.Errorf("compile packs: one event could write %d keys, more than %d: the rule %q of %s, with %d levels, has the most part in it: give rules fewer levels, or split the packs over several deployments",
			p.KeysPerEvent, windowstore.MaxCommitKeys/2, tallest.ID, tallest.Pack.File, len(tallest.Levels))
	}
	return p, p.collisions()
}

// Packs are the packs that the program was made of, in the order given.
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

// addRule adds a rule for a kind of subject.
func (p *Program) addRule(kind thresholds.Kind, r *thresholds.Rule, maxMembers int) {
	k := &p.Kinds[kind]
	b := BoundRule{Rule: r, span: span(r), near: nearValues(r)}
	number := len(k.Rules)
	for i, l := range r.Limits {
		c := p.counter(kind, r, l.Measure)
		spec := &k.Layout.Counters[c]
		if spec.Op == windows.Distinct || spec.Op == windows.Weighted {
			spec.Cap = max(spec.Cap, r.Cap(i, maxMembers))
		}
		b.Counters = append(b.Counters, c)
		if !slices.Contains(k.feeds[c], number) {
			k.feeds[c] = append(k.feeds[c], number)
		}
	}
	k.Rules = append(k.Rules, b)
	k.Layout.Rules = append(k.Layout.Rules, xxhash.Sum64String(r.Mark()))
}

// counter returns the number of the counter of measure m for rule r of a kind, which is
// made if no rule before had it. A counter is what it counts: name and
// limit play no part.
func (p *Program) counter(kind thresholds.Kind, r *thresholds.Rule, m *thresholds.Measure) int {
	op := windows.Sum
	if m.Op == thresholds.Distinct {
		op = windows.Distinct
		if m.Number != "" {
			op = windows.Weighted
		}
	}
	after := -1
	if m.After != nil {
		after = p.define(kind, r, m.After, windows.First, -1)
	}
	return p.define(kind, r, m, op, after)
}

// span is the step and the number of buckets of a rule's counters.
func span(r *thresholds.Rule) windows.Spec {
	spec := windows.Spec{Step: r.Step * int64(time.Second)}
	if r.Step > 0 {
		spec.N = r.Window / r.Step
	}
	return spec
}

func (p *Program) define(kind thresholds.Kind, r *thresholds.Rule, m *thresholds.Measure, op windows.Op, after int) int {
	k := &p.Kinds[kind]
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
	spec := span(r)
	spec.ID, spec.Op = xxhash.Sum64String(def), op
	k.Layout.Counters = append(k.Layout.Counters, spec)
	k.After = append(k.After, after)
	k.feeds = append(k.feeds, nil)
	if kind != thresholds.Canary { // whose events are matched by who sent them
		p.addMatches(kind, c, m, op)
	}
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

// collisions reports two definitions, or two rules, with the same hash.
func (p *Program) collisions() error {
	for k := range p.Kinds {
		t := &p.Kinds[k]
		seen := map[uint64]string{}
		for i, s := range t.Layout.Counters {
			if other, ok := seen[s.ID]; ok {
				return fmt.Errorf("compile packs: counters %q and %q have the same hash: change one of the windows", other, t.defs[i])
			}
			seen[s.ID] = t.defs[i]
		}
		clear(seen)
		for i, id := range t.Layout.Rules {
			if other, ok := seen[id]; ok {
				return fmt.Errorf("compile packs: rules %q and %q have the same hash: rename one", other, t.Rules[i].ID)
			}
			seen[id] = t.Rules[i].ID
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

// Has reports whether a counter, by its hash, is in a loaded pack.
func (p *Program) Has(id uint64) bool {
	for k := range thresholds.NumKinds {
		for i := range p.Kinds[k].Layout.Counters {
			if p.Kinds[k].Layout.Counters[i].ID == id {
				return true
			}
		}
	}
	return false
}

// Named is the first rule that reads counter i, and the measure's name there.
func (t *KindTable) Named(i int) (rule, measure string) {
	for r := range t.Rules {
		for l, c := range t.Rules[r].Counters {
			switch m := t.Rules[r].Limits[l].Measure; {
			case c == i:
				return t.Rules[r].ID, m.Name
			case t.After[c] == i:
				return t.Rules[r].ID, m.After.Name
			}
		}
	}
	panic("BUG: a counter of no rule: " + t.defs[i])
}
