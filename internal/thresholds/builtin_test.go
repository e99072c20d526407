package thresholds

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestBuiltins(t *testing.T) {
	names := Builtins()
	if want := []string{"cn-2019-15", "cn-2019-15-after-order"}; !slices.Equal(names, want) {
		t.Errorf("Builtins are %v, want %v", names, want)
	}
	var all []*Pack
	for _, name := range names {
		p := builtinPack(t, name)
		if p.Name != name {
			t.Errorf("the built-in pack %s calls itself %s", name, p.Name)
		}
		all = append(all, p)
	}
	for _, f := range Unique(all) {
		t.Error(f)
	}
	for _, name := range []string{"", "cn", "../packs/cn-2019-15", "cn-2019-15.yaml"} {
		if data, ok := Builtin(name); ok {
			t.Errorf("there is a built-in pack %q of %d bytes", name, len(data))
		}
	}
}

// builtinPack is a built-in pack, which must have no fault, not even a warning.
func builtinPack(t *testing.T, name string) *Pack {
	t.Helper()
	data, ok := Builtin(name)
	if !ok {
		t.Fatalf("there is no built-in pack %s", name)
	}
	p, found := Parse(name+".yaml", data, Options{})
	for _, f := range found {
		t.Error(f)
	}
	if p == nil {
		t.FailNow()
	}
	return p
}

// TestBuiltinTests runs the tests of the built-in packs with a dumb count
// over all events.
func TestBuiltinTests(t *testing.T) {
	for _, name := range Builtins() {
		p := builtinPack(t, name)
		for i := range p.Tests {
			test := &p.Tests[i]
			t.Run(name+"/"+test.Name, func(t *testing.T) {
				got, want := dumbCrossings(t, p, test), expectedLines(test)
				if got != want {
					t.Errorf("%s:%d: crossings are\n%swant\n%s", test.File, test.Line, got, want)
				}
			})
		}
	}
}

func expectedLines(test *Test) string {
	var b strings.Builder
	for _, x := range test.Crossings {
		fmt.Fprintf(&b, "%s %s %v at %d\n", x.Rule, x.Subject, x.Level, x.At)
	}
	return b.String()
}

// TestBuiltinTestsReachEveryLevel checks that the tests are not vacuous: each rule
// reaches each of its levels, by each of its measures, and stops one short.
func TestBuiltinTestsReachEveryLevel(t *testing.T) {
	for _, name := range Builtins() {
		p := builtinPack(t, name)
		for _, r := range p.Rules {
			for _, l := range r.Levels {
				if n := timesReached(p, r, l); n < len(r.Limits) {
					t.Errorf("%s: the tests reach %v of %s %d times, but it has %d limits", name, l, r.ID, n, len(r.Limits))
				}
			}
		}
	}
}

func timesReached(p *Pack, r *Rule, l Level) int {
	n := 0
	for _, test := range p.Tests {
		for _, x := range test.Crossings {
			if x.Rule == r.ID && x.Level == l {
				n++
			}
		}
	}
	return n
}
