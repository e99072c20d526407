//go:build linux

package bench

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// accountLimit is the limit of accounts in a pack: as high as sets can be by default.
const accountLimit = 1_000_000

// packOptions are a pack for a gen.Even: rules for incidents, and one for contents which
// each mark crosses. A zero field has its default.
type packOptions struct {
	rules  int  // for incidents; default 1
	apart  bool // each with a counter of its own, of clicks; otherwise all share one of clicks and one of accounts
	window int  // minutes; default 48 hours
	steps  int  // of the window; default 48
	clicks int  // limit of clicks; default: a limit that is not reached
}

func (s packOptions) withDefaults() packOptions {
	s.rules, s.window, s.steps, s.clicks = cmp.Or(s.rules, 1), cmp.Or(s.window, 48*60), cmp.Or(s.steps, 48), cmp.Or(s.clicks, 1_000_000_000)
	return s
}

// text is the pack.
func (s packOptions) text() string {
	s = s.withDefaults()
	step := s.window / s.steps
	var text strings.Builder
	text.WriteString("pack: bench\nmeasures:\n  clicks: {sum: count, types: [click]}\n  marks: {sum: count, types: [publish]}\n")
	if !s.apart {
		text.WriteString("  accounts: {distinct: account, types: [click]}\n")
	}
	text.WriteString("rules:\n  - {id: marks, by: content, window: 48h, step: 1h, limits: {marks: 1}, levels: [1]}\n")
	for n := range s.rules {
		window, limits := s.window, fmt.Sprintf("clicks: %d, accounts: %d", s.clicks+n, accountLimit)
		if s.apart {
			window, limits = s.window+n*step, fmt.Sprintf("clicks: %d", s.clicks)
		}
		fmt.Fprintf(&text, "  - {id: rule-%d, by: incident, window: %dm, step: %dm, limits: {%s}, levels: [1]}\n", n+1, window, step, limits)
	}
	return text.String()
}

// job writes the pack into a file of its own.
func (s packOptions) job(b testing.TB) job {
	b.Helper()
	return job{name: "bench", pack: servers.WriteFile(b, "bench.yaml", s.text())}
}

// TestPackOptions shows that packs are well formed up to their largest, and how many counters they have.
func TestPackOptions(t *testing.T) {
	f := func(s packOptions, rules int) {
		t.Helper()
		pack, faults := thresholds.Parse("bench.yaml", []byte(s.text()), thresholds.Options{})
		if len(faults) > 0 {
			t.Fatalf("%+v: %v", s, faults)
		}
		if len(pack.Rules) != rules {
			t.Errorf("%+v: %d rules, want %d", s, len(pack.Rules), rules)
		}
	}
	f(packOptions{}, 2)
	f(packOptions{rules: 200}, 201)
	f(packOptions{rules: 200, apart: true}, 201)
	f(packOptions{window: 1_000, steps: 1}, 2)
	f(packOptions{window: 1_000, steps: 1_000, clicks: 5}, 2)
}
