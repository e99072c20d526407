package thresholds

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/strictyaml"
)

// FuzzParse reads any bytes as a pack: nothing panics, faults have a place, and a
// pack that was read is whole.
func FuzzParse(f *testing.F) {
	for _, dir := range []string{"testdata/bad", "testdata/good"} {
		for _, data := range testPacks(f, dir) {
			if len(data) < 4_000 {
				f.Add(data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, found := Parse("fuzz.yaml", data, Options{})
		checkFaults(t, "fuzz.yaml", found)
		failed := slices.ContainsFunc(found, func(f strictyaml.Fault) bool { return !f.Warning })
		if failed != (p == nil) {
			t.Fatalf("a pack was read: %v, but the faults are\n%s", p != nil, faultLines(found))
		}
		if p != nil {
			checkPack(t, p)
		}
	})
}

// checkPack checks what holds for every pack.
func checkPack(t *testing.T, p *Pack) {
	if len(p.Name) == 0 || len(p.Rules) == 0 {
		t.Fatalf("the pack is %+v", p)
	}
	for _, r := range p.Rules {
		checkRule(t, r)
	}
	for _, test := range p.Tests {
		for at, line := range test.Events {
			if e := test.EntryOf(at); at < e.First || at >= e.First+e.Times {
				t.Fatalf("event %d is none of its entry, %+v", at, e)
			}
			if !json.Valid(line) {
				t.Fatalf("event %d is not JSON: %s", at, line)
			}
			if at == 100 {
				break
			}
		}
	}
}

func checkRule(t *testing.T, r *Rule) {
	steps := int64(0)
	if r.Step > 0 {
		steps = r.Window / r.Step
	}
	if r.ID == "" || len(r.Limits) == 0 || steps*r.Step != r.Window || steps > maxSteps || (r.Window == 0) != (r.WindowText == "all") {
		t.Fatalf("the rule is %+v", r)
	}
	if !slices.IsSorted(r.Levels) || !slices.Contains(r.Levels, LevelOne) || r.Clear >= r.Levels[0] {
		t.Fatalf("levels are %v, clear %v", r.Levels, r.Clear)
	}
	values := make([]Value, len(r.Limits))
	for i, l := range r.Limits {
		values[i].Value = MaxValue
		if l.Measure.Definition() == "" || l.Value < 1 || l.Value > MaxValue || r.Cap(i, DefaultMaxMembers) < 1 {
			t.Fatalf("limit %d is %+v", i, l)
		}
	}
	if got := r.Next(0, values, nil); !slices.Equal(got, r.Levels) {
		t.Fatalf("the largest values reach %v of %v", got, r.Levels)
	}
}
