package gen

import (
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/oracle"
)

// TestOracleTakesEvents shows that what is marked as a fault is one for the oracle, and nothing else is.
func TestOracleTakesEvents(t *testing.T) {
	o := newOracle(t)
	want := oracle.Results{}
	for _, r := range all(Config{Seed: 5, Events: 30_000, Span: time.Hour, Late: 0.02, Malformed: 0.02, Ahead: 0.02}) {
		before := o.Results()
		o.ApplyTo(r.Partition, r.Value, r.TimeMillis)
		switch got := o.Results(); {
		case r.Fault == Malformed:
			want.Malformed++
		case r.Fault == Ahead:
			want.Ahead++
		case r.Fault == Repeat:
			want.Duplicate++
		case strings.Contains(string(r.Value), `"type":"ping"`), strings.Contains(string(r.Value), `"type":"order"`):
			want.Unmatched++
		default:
			want.Matched++
			want.Late += got.Late - before.Late
		}
		if got := o.Results(); got != want {
			t.Fatalf("got %+v, want %+v after %q", got, want, r.Value)
		}
	}
	if want.Late == 0 {
		t.Error("no event was late")
	}
}

// TestEveryRuleIsCrossed shows crossings of each rule of the built-in pack, at each level up to 1.
func TestEveryRuleIsCrossed(t *testing.T) {
	o := newOracle(t)
	crossed := map[string]int{}
	var r Record
	for g := New(Config{Seed: 42, Events: 250_000, Incidents: 20, Accounts: 4_000, Span: 6 * time.Hour}); g.Next(&r); {
		for _, c := range o.ApplyTo(r.Partition, r.Value, r.TimeMillis) {
			crossed[c.Rule+" "+c.Level]++
		}
	}
	f := func(levels string, rules ...string) {
		t.Helper()
		for _, rule := range rules {
			for level := range strings.SplitSeq(levels, " ") {
				if crossed[rule+" "+level] == 0 {
					t.Errorf("%s is never crossed at %s", rule, level)
				}
			}
		}
	}
	f("0.5 0.8 1", "art3-items", "art3-accounts", "art3-audience", "art3-clicks", "art4-records", "art10-groups", "art10-publishing",
		"art10-gains", "art12-payments", "art12-funding", "art12-gains")
	f("1", "art6-refusals", "art10-sites", "art10-repeat", "art12-targets", "art12-repeat")
	f("0.5", "art10-registrations") // at all levels from about a million events on
	f("5", "art12-payments", "art12-funding")
}

func newOracle(t testing.TB) *oracle.Oracle {
	t.Helper()
	pack, err := os.ReadFile("../../internal/thresholds/packs/cn-2019-15.yaml")
	if err != nil {
		t.Fatal(err)
	}
	o, err := oracle.New(pack)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// BenchmarkOracle makes an event of the mix and applies it to the oracle with the built-in pack.
func BenchmarkOracle(b *testing.B) {
	o := newOracle(b)
	g := New(Config{Seed: 42, Events: math.MaxInt})
	var r Record
	for b.Loop() {
		g.Next(&r)
		o.ApplyTo(r.Partition, r.Value, r.TimeMillis)
	}
}
