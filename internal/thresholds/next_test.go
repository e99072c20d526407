package thresholds

import "testing"

// undecided is a rule as packs have them, with values that reach no level: what
// nearly every event finds.
type undecided struct {
	name   string
	rule   *Rule
	values []Value
}

func undecidedRules() []undecided {
	rule := func(name string, c Combine, limits ...uint64) undecided {
		u := undecided{name: name, rule: &Rule{Combine: c, K: 2, Levels: []Level{5_000, LevelOne}, Clear: 4_000}}
		u.rule.Limits = limitsOf(limits...)
		u.rule.ratio = newRatio(u.rule.Limits)
		for _, l := range limits {
			u.values = append(u.values, Value{Value: l / 10})
		}
		return u
	}
	return []undecided{
		rule("one", Any, 50_000),
		rule("any-4", Any, 100, 2_000, 3_000, 30_000),
		rule("all-4", All, 100, 2_000, 3_000, 30_000),
		rule("at-least-2", AtLeast, 100, 2_000, 3_000, 30_000),
		rule("ratio-3", Ratio, 500, 5_000, 50_000),
		rule("ratio-big", Ratio, 9007199254740881, 9007199254740847, 3),
	}
}

func TestDecidingDoesNotAllocate(t *testing.T) {
	levels, indexes := make([]Level, 0, 8), make([]int, 0, 8)
	for _, u := range undecidedRules() {
		n := testing.AllocsPerRun(100, func() {
			levels = u.rule.Next(0, u.values, levels[:0])
			indexes = u.rule.Reached(LevelOne, u.values, indexes[:0])
			u.rule.Clears(u.values)
		})
		if n > 0 && u.name != "ratio-big" {
			t.Errorf("%s: %v allocations", u.name, n)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	for _, u := range undecidedRules() {
		b.Run(u.name, func(b *testing.B) {
			levels := make([]Level, 0, 8)
			b.ReportAllocs()
			for b.Loop() {
				levels = u.rule.Next(0, u.values, levels[:0])
			}
		})
	}
}
