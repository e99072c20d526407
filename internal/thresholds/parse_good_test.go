package thresholds

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestGoodPacks reads packs without a fault; what was read, and the warnings,
// stand beside them in a file .want (rewritten with -rewrite).
func TestGoodPacks(t *testing.T) {
	for path, data := range testPacks(t, "testdata/good") {
		p, found := Parse(path, data, Options{})
		if p == nil {
			t.Errorf("%s is faulty:\n%s", path, faultLines(found))
			continue
		}
		checkWant(t, path, faultLines(found)+dump(t, p))
	}
}

// dump writes everything of a pack that the file decides.
func dump(t *testing.T, p *Pack) string {
	var b strings.Builder
	fmt.Fprintf(&b, "pack %s at %d:%d, hash %s\n", p.Name, p.line, p.column, p.Hash)
	for _, m := range p.Measures {
		fmt.Fprintf(&b, "measure %s: %s\n", m.Name, m.Definition())
	}
	for _, r := range p.Rules {
		dumpRule(&b, r)
	}
	for i := range p.Tests {
		dumpTest(t, &b, &p.Tests[i])
	}
	return b.String()
}

func dumpRule(b *strings.Builder, r *Rule) {
	fmt.Fprintf(b, "rule %s at %d:%d, title %q, cite %q\n", r.ID, r.line, r.column, r.Title, r.Cite)
	fmt.Fprintf(b, "  by %v, window %q %ds, step %ds, combine %d K %d, levels %v, clear %v\n",
		r.By, r.WindowText, r.Window, r.Step, r.Combine, r.K, r.Levels, r.Clear)
	for i, l := range r.Limits {
		fmt.Fprintf(b, "  limit %s %d, cap %d\n", l.Measure.Name, l.Value, r.Cap(i, DefaultMaxMembers))
	}
	if r.Shadow {
		fmt.Fprintf(b, "  shadow, kept as %s\n", r.Mark())
	}
	if r.Combine == Ratio {
		fmt.Fprintf(b, "  ratio %+v\n", r.ratio)
	}
}

func dumpTest(t *testing.T, b *strings.Builder, test *Test) {
	fmt.Fprintf(b, "test %q at %d:%d, %d events\n", test.Name, test.Line, test.Column, test.Len())
	for at, line := range test.Events {
		e := test.EntryOf(at)
		fmt.Fprintf(b, "  %d from %d:%d: %s\n", at, e.Line, e.Column, line)
		if !json.Valid(line) {
			t.Errorf("%s, event %d is not JSON: %s", test.Name, at, line)
		}
	}
	for _, x := range test.Crossings {
		fmt.Fprintf(b, "  expects %s %s %v at %d, from %d:%d\n", x.Rule, x.Subject, x.Level, x.At, x.Line, x.Column)
	}
}

// TestParseTies checks what ties a pack together.
func TestParseTies(t *testing.T) {
	for _, name := range Builtins() {
		p := builtinPack(t, name)
		for _, r := range p.Rules {
			if r.Pack != p {
				t.Errorf("%s: the rule %s has another pack", name, r.ID)
			}
			for _, l := range r.Limits {
				if !slices.Contains(p.Measures, l.Measure) {
					t.Errorf("%s: %s limits a measure that is not the pack's", name, r.ID)
				}
			}
		}
		for _, m := range p.Measures {
			if m.After != nil && !slices.Contains(p.Measures, m.After) {
				t.Errorf("%s: %s counts after a measure that is not the pack's", name, m.Name)
			}
		}
	}
}

// TestEventsStop checks that Events ends when yield asks it to, and gives the same again.
func TestEventsStop(t *testing.T) {
	p := builtinPack(t, "cn-2019-15")
	test := &p.Tests[0]
	var first []string
	for range 2 {
		var got []string
		for at, line := range test.Events {
			got = append(got, string(line))
			if at == 3 {
				break
			}
		}
		if len(got) != 3 || first != nil && !slices.Equal(got, first) {
			t.Errorf("Events gave %q, at first %q", got, first)
		}
		first = got
	}
	if n := new(Test).Len(); n != 0 {
		t.Errorf("a test without events has %d", n)
	}
}

// TestMaxMembers checks that what a distinct measure can reach follows the options.
func TestMaxMembers(t *testing.T) {
	f := func(limit string, maxMembers int, want bool) {
		t.Helper()
		data := "pack: p\nmeasures: {x: {distinct: account, types: [view]}}\n" +
			"rules: [{id: r, by: incident, window: 1d, step: 1h, limits: {x: " + limit + "}}]\n"
		p, found := Parse("p.yaml", []byte(data), Options{MaxMembers: maxMembers})
		if (p != nil) != want {
			t.Errorf("limit %s with max_members %d: read %v, want %v\n%s", limit, maxMembers, p != nil, want, faultLines(found))
		}
	}
	f("1_000_000", 0, true)
	f("1_000_001", 0, false)
	f("1_000_001", 1_000_001, true)
	f("10", 9, false)
	f("10", 10, true)
}
