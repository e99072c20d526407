package packtest

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

const pack = `pack: own
measures:
  views: {sum: count, types: [view]}
rules:
  - {id: views, title: Views, by: incident, window: 1h, step: 1m, limits: {views: 10}, levels: [1]}
tests:
  - name: ten
    events: [{type: view, incident: A, count: 9}, {type: view, incident: A}]
    crossings: [{rule: views, subject: A, level: 1, at: 2}]
  - name: nothing is left of the test before
    events: [{type: view, incident: A}]
    crossings: []
`

// TestRun: what is wrong with each test, by its first difference.
func TestRun(t *testing.T) {
	f := func(change []string, want ...string) {
		t.Helper()
		p, faults := thresholds.Parse("own.yaml", []byte(strings.NewReplacer(change...).Replace(pack)), thresholds.Options{})
		if p == nil {
			t.Fatal(faults)
		}
		if got := Run(p, engine.IntakeOptions{}, thresholds.DefaultMaxMembers); !slices.Equal(got, want) {
			t.Errorf("%q: got\n%q, want\n%q", change, got, want)
		}
	}
	const one = "{rule: views, subject: A, level: 1, at: 2}"
	f(nil)
	f([]string{"at: 2", "at: 1"},
		`own.yaml:7:5: tests[0]: "ten": crossing 1: want {rule: views, subject: A, level: 1, at: 1}, got `+one+`; all that came: `+one)
	f([]string{"count: 9", "count: 8"},
		`own.yaml:7:5: tests[0]: "ten": crossing 1: want `+one+`, got no more; all that came: none`)
	f([]string{"[{type: view, incident: A}]", "[{type: view, incident: A, count: 10}]"},
		`own.yaml:10:5: tests[1]: "nothing is left of the test before": crossing 1: want no more, got {rule: views, subject: A, level: 1, at: 1}; all that came: {rule: views, subject: A, level: 1, at: 1}`)
	f([]string{"{type: view, incident: A, count: 9}", "{type: view, incident: A, count: 0}"},
		`own.yaml:8:14: tests[0]: "ten": event 1 is malformed: count: 0 is not an integer from 1 to 1,000,000,000,000 (byte 68)`)
}

// TestShortCrossings: a reader needs no more than the first ten.
func TestShortCrossings(t *testing.T) {
	list := make([]thresholds.Expected, 12)
	if got := shortCrossings(list); strings.Count(got, "{rule: ") != 10 || !strings.HasSuffix(got, ", and 2 more") {
		t.Errorf("got %s", got)
	}
	if got := shortCrossings(nil); got != "none" {
		t.Errorf("got %s", got)
	}
}
