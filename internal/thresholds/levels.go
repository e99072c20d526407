package thresholds

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/strictyaml"
)

// levelsReader reads the levels of a rule.
type levelsReader struct {
	*reader
	maxMembers uint64
	d          *draft
}

// read reads levels and clear, and checks them against the limits.
func (r levelsReader) read(f strictyaml.Fields) {
	d := r.d
	places, read, ok := r.list(f)
	d.levelsUnread = !ok || f.Misread("levels")
	clear, given := f.Get("clear")
	if given {
		r.clear(clear, read)
	}
	d.clearUnread = d.Clear == 0 && (given || f.Misread("clear"))
	if !ok || !d.sound {
		return
	}
	r.distinguished(places)
	if d.Combine == Ratio {
		r.reachableRatio(places)
	} else {
		r.reachable(places)
	}
}

// list reads the levels, or takes those that a rule has by default. It returns where each is
// written; what was written, where all of it could be read; and false if these are no levels.
func (r levelsReader) list(f strictyaml.Fields) (places []strictyaml.Place, read []Level, ok bool) {
	at, given := f.Get("levels")
	if !given {
		r.d.Levels = defaultLevels(r.d.Limits)
		return slices.Repeat([]strictyaml.Place{r.d.at}, len(r.d.Levels)), r.d.Levels, true
	}
	items, ok := r.List(at, "levels, as [0.5, 0.8, 1]")
	for _, item := range items {
		l, known := r.level(item, "a level")
		if known && l == 0 {
			r.Fault(item, "0 is reached by nothing happening; a level is above 0")
		}
		ok = ok && known && l != 0
		read = append(read, l)
	}
	if !ok {
		return items, nil, false
	}
	for i := 1; i < len(read) && ok; i++ {
		if read[i] <= read[i-1] {
			r.Fault(items[i], "levels rise, but %v follows %v; sort them and take repeated ones out", read[i], read[i-1])
			ok = false
		}
	}
	if !slices.Contains(read, LevelOne) {
		r.Fault(at, "the limit itself, level 1, is not among the levels; %s", noOneHint(read))
		ok = false
	}
	if ok {
		r.d.Levels = read
	}
	return items, read, ok
}

// noOneHint is a remedy for levels without 1.
func noOneHint(levels []Level) string {
	if slices.Contains(levels, 100*LevelOne) {
		return "levels are shares, not percent: write 0.5 for 50 and 1 for 100"
	}
	return "add 1"
}

// defaultLevels are those of a rule that names none. Below a limit of 5 an
// early warning at 0.8 would be the limit itself.
func defaultLevels(limits []Limit) []Level {
	const early, least = 8_000, 5
	if slices.ContainsFunc(limits, func(l Limit) bool { return l.Value < least }) {
		return []Level{LevelOne}
	}
	return []Level{early, LevelOne}
}

// clear reads the progress under which the rule re-arms; levels are those of the rule, as
// far as they could be read.
func (r levelsReader) clear(at strictyaml.Place, levels []Level) {
	l, ok := r.level(at, "a progress")
	switch {
	case !ok:
		return
	case l == 0:
		r.Fault(at, "a rule clears when its progress falls under this, and nothing is under 0; "+
			"write a share of the limit below the lowest level, as 0.4, or take clear out: then each level is announced once and never again")
	case len(levels) > 0 && l >= slices.Min(levels):
		r.Fault(at, "clear is %v, but the lowest level is %v; write less than that, or a rule could clear and cross at once",
			l, slices.Min(levels))
	case r.d.WindowText == "all":
		r.Warn(at, "nothing leaves the window all, so the rule never clears; take clear out")
	}
	r.d.Clear = l
}

// distinguished checks that no two levels ask the same of a measure: the lower
// would warn of nothing.
func (r levelsReader) distinguished(places []strictyaml.Place) {
	for i := 1; i < len(r.d.Levels); i++ {
		for _, l := range r.d.Limits {
			n := asks(l.Value, r.d.Levels[i])
			if n != asks(l.Value, r.d.Levels[i-1]) || n > MaxValue {
				continue
			}
			r.Fault(places[i], "the levels %v and %v both ask %d of %s, whose limit is %d; take one of them out",
				r.d.Levels[i-1], r.d.Levels[i], n, strictyaml.Shown(l.Measure.Name), l.Value)
			break
		}
	}
}

// most is the largest value that a measure of the rule can have, and why.
func (r levelsReader) most(m *Measure) (uint64, string) {
	if m.Op == Sum || m.Number != "" {
		return MaxValue, "counters end there"
	}
	by := r.d.By.String()
	foreign := func(t TypeKey) bool { return t.Key != by }
	if r.d.kind && len(m.Types) > 0 && !slices.ContainsFunc(m.Types, foreign) {
		return 1, fmt.Sprintf("what is counted by %s has that %s alone", by, by)
	}
	return r.maxMembers, "max_members keeps no more keys"
}

// reachable checks that every measure can reach every level. At the limit or
// below, the limit is to blame.
func (r levelsReader) reachable(places []strictyaml.Place) {
	for i, level := range r.d.Levels {
		for k, l := range r.d.Limits {
			most, why := r.most(l.Measure)
			if asks(l.Value, level) <= most {
				continue
			}
			if asks(l.Value, LevelOne) > most {
				r.Fault(r.d.limits[k], "%s is never more than %d, as %s; lower the limit", strictyaml.Shown(l.Measure.Name), most, why)
			} else {
				r.Fault(places[i], "the level %v asks %d of %s, which is never more than %d, as %s; lower the level",
					level, asks(l.Value, level), strictyaml.Shown(l.Measure.Name), most, why)
			}
		}
	}
}

// reachableRatio checks that the measures together can reach every level.
func (r levelsReader) reachableRatio(places []strictyaml.Place) {
	sum := new(big.Rat)
	for _, l := range r.d.Limits {
		most, _ := r.most(l.Measure)
		sum.Add(sum, new(big.Rat).SetFrac(new(big.Int).SetUint64(most), new(big.Int).SetUint64(l.Value)))
	}
	for i, level := range r.d.Levels {
		if want := big.NewRat(int64(level), int64(LevelOne)); sum.Cmp(want) < 0 {
			reach, _ := sum.Float64()
			r.Fault(places[i], "the level %v cannot be reached: all measures at their largest add up to %.4f; lower the limits or the level",
				level, reach)
			return
		}
	}
}
