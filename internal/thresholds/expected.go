package thresholds

import (
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/strictyaml"
)

// expectedReader reads the crossings that a test expects.
type expectedReader struct {
	*reader
	rules ruleNames
}

// read reads all of a test.
func (r expectedReader) read(at strictyaml.Place, t *Test) {
	items, _ := r.ListOrNone(at, "crossings, as [{rule: clicks-50000, subject: A, level: 1, at: 2}]")
	last, events := 0, t.Len()
	if events == 0 {
		events = maxEvents // they were faulty; that is noted
	}
	for _, item := range items {
		x, ok := r.crossing(item, events)
		if !ok || r.Exhausted() {
			continue
		}
		if x.At < last {
			r.Fault(item, "crossings are in the order of their events, but at %d follows at %d; sort them", x.At, last)
		}
		last = x.At
		t.Crossings = append(t.Crossings, x)
	}
}

func (r expectedReader) crossing(at strictyaml.Place, events int) (Expected, bool) {
	x := Expected{Line: at.Line, Column: at.Column}
	f, ok := r.Fields(at, "a crossing with rule, subject, level and at", "rule", "subject", "level", "at")
	if !ok {
		return x, false
	}
	rule := r.rule(f, &x)
	if at, ok := r.Need(f, "subject", "write the id that crosses, as subject: A"); ok {
		x.Subject, _ = r.text(at, "the id that crosses", maxIDField)
	}
	if at, ok := r.Need(f, "level", "write the level reached, as level: 1, or 0 for a clear"); ok {
		r.reached(at, rule, &x)
	}
	where, ok := r.Need(f, "at", "write the ordinal, from 1, of the event that crosses, as at: 2")
	if !ok {
		return x, false
	}
	n, ok := r.whole(where, "the ordinal of an event of this test", 1, uint64(events))
	x.At = int(n)
	return x, ok
}

// ruleNames are the rules of a pack by id.
type ruleNames struct {
	ids  []string
	byID map[string]*Rule
	// unread: the id of a rule could not be read. Whatever names a rule may mean it.
	unread bool
}

func rulesOf(p *Pack, unread bool) ruleNames {
	n := ruleNames{byID: map[string]*Rule{}, unread: unread}
	for _, rule := range p.Rules {
		if rule.ID != "" {
			n.ids = append(n.ids, rule.ID)
			n.byID[rule.ID] = rule
		}
	}
	return n
}

// rule is the rule that the crossing names; nil if there is none.
func (r expectedReader) rule(f strictyaml.Fields, x *Expected) *Rule {
	at, ok := r.Need(f, "rule", "write the id of a rule of this pack")
	if !ok {
		return nil
	}
	if x.Rule, ok = r.text(at, "the id of a rule of this pack", maxName); !ok {
		return nil
	}
	rule, ok := r.rules.byID[x.Rule]
	if !ok && !r.rules.unread {
		r.Fault(at, "%s is not a rule of this pack; %s", strictyaml.Quote(x.Rule), strictyaml.MeantOrAll(x.Rule, r.rules.ids))
	}
	return rule
}

// reached reads the level of a crossing of rule, nil if that is not known.
func (r expectedReader) reached(at strictyaml.Place, rule *Rule, x *Expected) {
	l, ok := r.level(at, "a level")
	x.Level = l
	if !ok || rule == nil || slices.Contains(rule.Levels, l) {
		return
	}
	if l != 0 && !rule.levelsUnread {
		r.Fault(at, "%s announces no level %v; its levels are %v", rule.ID, l, rule.Levels)
	} else if l == 0 && rule.Clear == 0 && !rule.clearUnread {
		r.Fault(at, "%s never clears, as it has no clear; take this crossing out, or give the rule one", rule.ID)
	}
}
