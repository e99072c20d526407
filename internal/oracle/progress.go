package oracle

import (
	"fmt"
	"math/big"
	"slices"
	"time"
)

// reading is what a rule's measures show of a subject at one moment.
type reading struct {
	rule    *rule
	at      time.Time
	values  []int64 // as rule.limits
	atLeast []bool
}

func (s *subject) read(r *rule, at time.Time) reading {
	rd := reading{rule: r, at: at}
	for _, l := range r.limits {
		v, atLeast := s.book.value(l.counter, at)
		rd.values = append(rd.values, v)
		rd.atLeast = append(rd.atLeast, atLeast)
	}
	return rd
}

// progress combines value/limit of all measures.
func (rd reading) progress() *big.Rat {
	var parts []*big.Rat
	total := new(big.Rat)
	for i, l := range rd.rule.limits {
		parts = append(parts, big.NewRat(rd.values[i], l.limit))
		total.Add(total, parts[i])
	}
	slices.SortFunc(parts, func(a, b *big.Rat) int { return b.Cmp(a) })
	switch rd.rule.combine {
	case "any":
		return parts[0]
	case "all":
		return parts[len(parts)-1]
	case "ratio":
		return total
	default:
		var k int
		if _, err := fmt.Sscanf(rd.rule.combine, "at-least-%d", &k); err != nil {
			panic("BUG: combine: " + rd.rule.combine)
		}
		return parts[k-1]
	}
}

// cleared reports whether an episode ends with this reading.
func (rd reading) cleared() bool {
	return !slices.Contains(rd.atLeast, true) && rd.progress().Cmp(rd.rule.clear) < 0
}

// reached names the measures that alone reach level x limit; an empty list for no level.
func (rd reading) reached(level *big.Rat) []string {
	names := []string{}
	for i, l := range rd.rule.limits {
		if level.Sign() > 0 && big.NewRat(rd.values[i], l.limit).Cmp(level) >= 0 {
			names = append(names, l.measure)
		}
	}
	return names
}

// decimals writes a progress rounded down to 4 decimals, with one at least: 1.0, 0.8123.
func decimals(r *big.Rat) string {
	n := new(big.Int).Mul(r.Num(), big.NewInt(10_000))
	whole, part := n.Quo(n, r.Denom()).QuoRem(n, big.NewInt(10_000), new(big.Int))
	text := fmt.Sprintf("%04d", part.Int64())
	for len(text) > 1 && text[len(text)-1] == '0' {
		text = text[:len(text)-1]
	}
	return whole.String() + "." + text
}
