package packtest

import (
	"fmt"
	"math"
	"strings"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// Result is how a test of a pack went.
type Result struct {
	Name         string
	Line, Column int    // of the test in the pack's file
	Fault        string // as file:line:column: path: message; "": it passed
}

// Run runs a pack's tests, as Results does. It returns what is wrong, one text a test.
func Run(p *thresholds.Pack, intake engine.IntakeOptions, members int) (faults []string) {
	results, err := Results(p, intake, members)
	if err != nil {
		return []string{err.Error()}
	}
	for _, r := range results {
		if r.Fault != "" {
			faults = append(faults, r.Fault)
		}
	}
	return faults
}

// Results runs a pack's tests, each with this pack alone and from nothing. Events are taken in as intake says, except
// that none is ahead. A counter of distinct members has room for members of them. The error is a pack that none can be run with.
func Results(p *thresholds.Pack, intake engine.IntakeOptions, members int) ([]Result, error) {
	program, err := engine.Compile([]*thresholds.Pack{p}, members)
	if err != nil {
		return nil, fmt.Errorf("%s:1:1: %w", p.File, err)
	}
	results := make([]Result, len(p.Tests))
	for i := range p.Tests {
		t := &p.Tests[i]
		results[i] = Result{t.Name, t.Line, t.Column, run(program, intake, t, i)}
	}
	return results, nil
}

// run is what is wrong with one test; "" if nothing is.
func run(p *engine.Program, intake engine.IntakeOptions, t *thresholds.Test, number int) string {
	path := fmt.Sprintf("tests[%d]", number)
	intake.MaxAhead = math.MaxInt64 // no event of a test is ahead
	var got []thresholds.Expected
	at := 0
	replay := engine.NewReplay(p, intake, 0, func(x *thresholds.Crossing) {
		got = append(got, thresholds.Expected{Rule: x.Rule.ID, Subject: x.Subject, Level: x.Level, At: at})
	})
	for n, json := range t.Events {
		at = n
		if err := replay.Line(json); err != nil {
			e := t.EntryOf(n)
			return fmt.Sprintf("%s:%d:%d: %s: %q: event %d is malformed: %v", t.File, e.Line, e.Column, path, t.Name, n, err)
		}
	}
	if difference := compare(t.Crossings, got); difference != "" {
		return fmt.Sprintf("%s:%d:%d: %s: %q: %s", t.File, t.Line, t.Column, path, t.Name, difference)
	}
	return ""
}

// compare returns the first difference between the crossings wanted and those that came, and all
// that came; "" if there is none.
func compare(want, got []thresholds.Expected) string {
	for i := range max(len(want), len(got)) {
		w, g := "no more", "no more"
		if i < len(want) {
			w = shortCrossing(want[i])
		}
		if i < len(got) {
			g = shortCrossing(got[i])
		}
		if w != g {
			return fmt.Sprintf("crossing %d: want %s, got %s; all that came: %s", i+1, w, g, shortCrossings(got))
		}
	}
	return ""
}

// shortCrossings lists crossings for readers, who need no more than the first.
func shortCrossings(list []thresholds.Expected) string {
	const most = 10
	if len(list) == 0 {
		return "none"
	}
	var texts []string
	for _, x := range list[:min(len(list), most)] {
		texts = append(texts, shortCrossing(x))
	}
	if more := len(list) - most; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, ", ")
}

// shortCrossing is a crossing as a pack's tests write it.
func shortCrossing(x thresholds.Expected) string {
	return fmt.Sprintf("{rule: %s, subject: %s, level: %s, at: %d}", x.Rule, thresholds.AppendPlain(nil, x.Subject), x.Level, x.At)
}
