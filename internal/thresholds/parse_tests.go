package thresholds

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/strictyaml"
)

// The most events of an entry and of a test; a check of the largest takes some
// seconds.
const (
	maxTimes  = 1_000_000
	maxEvents = 10_000_000
)

// The range of times, in Unix seconds: what nanoseconds in 64 bits hold, by years.
var (
	firstTime = time.Date(1678, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	lastTime  = time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC).Unix() - 1
	testStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
)

// tests reads the list of tests into p, whose rules are known.
func (r *reader) tests(at strictyaml.Place, p *Pack) {
	items, _ := r.List(at, "tests, each with name, events and crossings")
	lines := map[string]int{}
	rules := rulesOf(p)
	for _, item := range items {
		if r.Exhausted() {
			return
		}
		t := r.test(item, p.File, rules)
		if line, again := lines[t.Name]; again && t.Name != "" {
			r.Fault(item, "the name %s is taken by the test in line %d; rename one", strictyaml.Quote(t.Name), line)
		}
		lines[t.Name] = item.Line
		p.Tests = append(p.Tests, t)
	}
}

func (r *reader) test(at strictyaml.Place, file string, rules ruleNames) Test {
	t := Test{File: file, Line: at.Line, Column: at.Column}
	f, ok := r.Fields(at, "a test with name, events and crossings", "name", "events", "crossings")
	if !ok {
		return t
	}
	if at, ok := r.Need(f, "name", "name the test after what it shows"); ok {
		t.Name, _ = r.text(at, "what the test shows", maxTitle)
	}
	if at, ok := r.Need(f, "events", "write events, as events: [{type: click, incident: A, count: 50000}]"); ok {
		r.events(at, &t)
	}
	if at, ok := r.Need(f, "crossings", "write all that the events give, or crossings: [] for none"); ok {
		r.crossings(at, rules, &t)
	}
	return t
}

// clock gives the times of a test's events, in Unix nanoseconds.
type clock struct {
	now int64
	off bool // it left the range of times, which was noted
}

// events reads the entries of a test.
func (r *reader) events(at strictyaml.Place, t *Test) {
	items, _ := r.List(at, "events, as [{type: click, incident: A, count: 50000}]")
	c := &clock{now: testStart}
	first := 1
	for _, item := range items {
		if r.Exhausted() {
			return
		}
		e := r.entry(item, c)
		if e.First = first; first+e.Times-1 > maxEvents {
			r.Fault(item, "with these the test has more than %d events; lower times, or let one event stand for several by count",
				maxEvents)
			return
		}
		first += e.Times
		t.Entries = append(t.Entries, e)
	}
}

var entryKeys = slices.Concat([]string{"times", "every", "id", "time", "type"}, stringFields, numberFields)

func (r *reader) entry(at strictyaml.Place, c *clock) Entry {
	e := Entry{Line: at.Line, Column: at.Column, Times: 1, every: int64(time.Second)}
	f, ok := r.Fields(at, "an event, as {type: click, incident: A}", entryKeys...)
	if !ok {
		return e
	}
	r.Need(f, "type", "say which type of event this is, as type: click")
	for _, key := range entryKeys {
		if at, ok := f.Get(key); ok {
			r.member(at, key, &e, c)
		}
	}
	e.start = c.now
	r.advance(at, &e, c)
	return e
}

// member reads one key of an entry.
func (r *reader) member(at strictyaml.Place, key string, e *Entry, c *clock) {
	switch {
	case key == "times":
		n, ok := r.whole(at, "a number of events", 1, maxTimes)
		if ok {
			e.Times = int(n)
		}
	case key == "every":
		seconds, _ := r.duration(at, "a time from event to event", 0)
		e.every = seconds * int64(time.Second) // maxWindow fits
	case key == "time":
		if t, ok := r.time(at); ok {
			c.now, c.off = t, false
		}
	case slices.Contains(numberFields, key):
		if n, ok := r.whole(at, "a number", 0, MaxValue); ok {
			e.members = append(e.members, member{name: key, value: fmt.Sprint(n), number: true})
		}
	default:
		r.textMember(at, key, e)
	}
}

func (r *reader) textMember(at strictyaml.Place, key string, e *Entry) {
	s, ok := r.text(at, `a text, as "a" or "a{n}"`, maxIDField)
	if !ok {
		return
	}
	if key == "id" && strings.HasPrefix(s, madeID) {
		r.Fault(at, "ids that begin with %s are made for events without one; write another", strictyaml.Quote(madeID))
		return
	}
	e.members = append(e.members, member{name: key, value: s})
}

var timeText = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$`)

// time reads a time of RFC 3339, quoted or not, in Unix nanoseconds.
func (r *reader) time(at strictyaml.Place) (int64, bool) {
	const example = "2026-01-01T00:00:00Z"
	if at.Type != strictyaml.Text && at.Type != strictyaml.Date {
		r.Fault(at, "this is %s; write a time as %s", r.Describe(at), example)
		return 0, false
	}
	t, err := time.Parse(time.RFC3339Nano, at.Value)
	if err != nil || !timeText.MatchString(at.Value) {
		r.Fault(at, "%s is not a time of RFC 3339; write it as %s", strictyaml.Quote(at.Value), example)
		return 0, false
	}
	if s := t.Unix(); s < firstTime || s > lastTime {
		r.Fault(at, "%s is out of range; times are from 1678 to 2261", at.Value)
		return 0, false
	}
	return t.UnixNano(), true
}

// advance moves the clock past the events of e.
func (r *reader) advance(at strictyaml.Place, e *Entry, c *clock) {
	seconds := e.every / int64(time.Second) * int64(e.Times)
	if c.off || seconds > lastTime-c.now/int64(time.Second) {
		if !c.off {
			r.Fault(at, "the times of these events leave the range of times, which ends with 2261; lower times or every")
		}
		c.off = true
		return
	}
	c.now += seconds * int64(time.Second)
}

// crossings reads what a test expects.
func (r *reader) crossings(at strictyaml.Place, rules ruleNames, t *Test) {
	items, _ := r.ListOrNone(at, "crossings, as [{rule: clicks-50000, subject: A, level: 1, at: 2}]")
	last, events := 0, t.Len()
	if events == 0 {
		events = maxEvents // they were faulty; that is noted
	}
	for _, item := range items {
		x, ok := r.expected(item, rules, events)
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

func (r *reader) expected(at strictyaml.Place, rules ruleNames, events int) (Expected, bool) {
	x := Expected{Line: at.Line, Column: at.Column}
	f, ok := r.Fields(at, "a crossing with rule, subject, level and at", "rule", "subject", "level", "at")
	if !ok {
		return x, false
	}
	rule := r.expectedRule(f, rules, &x)
	if at, ok := r.Need(f, "subject", "write the id that crosses, as subject: A"); ok {
		x.Subject, _ = r.text(at, "the id that crosses", maxIDField)
	}
	if at, ok := r.Need(f, "level", "write the level reached, as level: 1, or 0 for a clear"); ok {
		r.expectedLevel(at, rule, &x)
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
}

func rulesOf(p *Pack) ruleNames {
	n := ruleNames{byID: map[string]*Rule{}}
	for _, rule := range p.Rules {
		if rule.ID != "" {
			n.ids = append(n.ids, rule.ID)
			n.byID[rule.ID] = rule
		}
	}
	return n
}

// expectedRule is the rule that the crossing names; nil if there is none.
func (r *reader) expectedRule(f strictyaml.Fields, rules ruleNames, x *Expected) *Rule {
	at, ok := r.Need(f, "rule", "write the id of a rule of this pack")
	if !ok {
		return nil
	}
	if x.Rule, ok = r.text(at, "the id of a rule of this pack", maxName); !ok {
		return nil
	}
	rule, ok := rules.byID[x.Rule]
	if !ok && !r.rulesUnread {
		r.Fault(at, "%s is not a rule of this pack; %s", strictyaml.Quote(x.Rule), strictyaml.MeantOrAll(x.Rule, rules.ids))
	}
	return rule
}

// expectedLevel reads the level of a crossing of rule, nil if that is not known.
func (r *reader) expectedLevel(at strictyaml.Place, rule *Rule, x *Expected) {
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
