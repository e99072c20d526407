package enginetest

import (
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/oracle"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// Compile makes a program of packs' texts, which must be without fault.
func Compile(tb testing.TB, texts ...string) *engine.Program {
	tb.Helper()
	var packs []*thresholds.Pack
	for _, text := range texts {
		pack, faults := thresholds.Parse("test.yaml", []byte(text), thresholds.Options{})
		for _, f := range faults {
			if !f.Warning {
				tb.Fatalf("pack: %s", f)
			}
		}
		packs = append(packs, pack)
	}
	p, err := engine.Compile(packs, 1_000_000)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// Builtin is the text of a built-in pack.
func Builtin(tb testing.TB, name string) string {
	tb.Helper()
	data, ok := thresholds.Builtin(name)
	if !ok {
		tb.Fatalf("no built-in pack %s", name)
	}
	return string(data)
}

// CompareCounts fails unless a replay has the counts of the oracle, byte for byte.
func CompareCounts(tb testing.TB, r *engine.Replay, o *oracle.Oracle) {
	tb.Helper()
	want := o.Counts()
	i := 0
	r.Counts(func(line []byte) bool {
		if i >= len(want) || string(line) != string(want[i]) {
			tb.Fatalf("count %d is %s, want it as in %d lines of the oracle", i, line, len(want))
		}
		i++
		return true
	})
	if i != len(want) {
		tb.Fatalf("%d counts, want %d", i, len(want))
	}
}
