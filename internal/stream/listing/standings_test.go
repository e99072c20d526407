package listing

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// TestStandings: subjects that one program lists are looked at by the rules of another one, each once for each rule.
func TestStandings(t *testing.T) {
	x := newFixture(t)
	x.put(thresholds.Incident, "a", 500, 500) // views, clicks: in two lists
	x.put(thresholds.Incident, "b", 0, 300)
	x.put(thresholds.Account, "c", 900)
	x.put(thresholds.Incident, "far", 10)
	next := enginetest.Compile(t, strings.NewReplacer("{clicks: 1000}", "{clicks: 400}").Replace(pack)+
		"  - {id: few, by: incident, window: 10d, step: 1d, limits: {clicks: 300}}\n")
	f := func(from, wanted func(*thresholds.Rule) bool, want ...string) {
		t.Helper()
		var got []string
		err := x.reader.Standings(t.Context(), next, from, wanted, func(at *inspect.Standing) {
			got = append(got, fmt.Sprintf("%s/%s:%d", at.Rule.ID, at.Subject, at.Progress))
		})
		slices.Sort(got)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	one := func(id string) func(*thresholds.Rule) bool {
		return func(r *thresholds.Rule) bool { return r.ID == id }
	}
	f(nil, one("few"), "few/a:16666", "few/b:10000")
	f(nil, one("clicks"), "clicks/a:12500", "clicks/b:7500")
	f(one("views"), one("clicks"), "clicks/a:12500")
	f(one("sends"), one("clicks"))
}

// TestOpen: an episode counts that has a level which was announced, however little progress is left.
func TestOpen(t *testing.T) {
	x := newFixture(t)
	put := func(id string, level uint64, values ...uint64) {
		n := Name{thresholds.Incident, id}
		s := x.subject(n.Kind, start, values...)
		s.SetRuleState(0, windows.RuleState{Level: level, Episode: 1})
		x.write(n, s, 1)
		if err := x.lister.Remake(t.Context(), x.shard(n), []Name{n}); err != nil {
			t.Fatal(err)
		}
	}
	put("a", 8000, 900)
	put("b", 8000, 1)
	put("c", 0, 900)
	got, err := x.reader.Open(t.Context(), func(r *thresholds.Rule) bool { return r.By == thresholds.Incident })
	if want := map[string]int{"views": 2, "clicks": 0}; err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}
