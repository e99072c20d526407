package engine_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// TestBuiltinPacks runs the tests that the built-in packs carry.
func TestBuiltinPacks(t *testing.T) {
	for _, name := range thresholds.Builtins() {
		p := enginetest.Compile(t, enginetest.Builtin(t, name))
		for _, test := range p.Packs()[0].Tests {
			t.Run(name+"/"+test.Name, func(t *testing.T) { runPackTest(t, p, &test) })
		}
	}
}

func runPackTest(t *testing.T, p *engine.Program, test *thresholds.Test) {
	var got []thresholds.Expected
	at := 0
	r := engine.NewReplay(p, engine.IntakeOptions{}, math.MaxInt64, func(c *thresholds.Crossing) {
		got = append(got, thresholds.Expected{Rule: c.Rule.ID, Subject: c.Subject, Level: c.Level, At: at})
	})
	for n, line := range test.Events {
		at = n
		if err := r.Line(line); err != nil {
			t.Fatalf("event %d: %v", n, err)
		}
	}
	for i, want := range test.Crossings {
		want.Line, want.Column = 0, 0
		if i >= len(got) || got[i] != want {
			t.Fatalf("crossing %d: want %+v of %d, got %+v", i, want, len(test.Crossings), got)
		}
	}
	if len(got) > len(test.Crossings) {
		t.Fatalf("more than the %d wanted: %+v", len(test.Crossings), got)
	}
}

// TestWindowBeforeTime: a window may begin before the times that an event may have.
func TestWindowBeforeTime(t *testing.T) {
	p := enginetest.Compile(t, "{pack: early, measures: {clicks: {sum: count, types: [click]}}, rules: [{id: c, by: incident, window: 730d, step: 1d, limits: {clicks: 1}}]}")
	got := ""
	r := engine.NewReplay(p, engine.IntakeOptions{}, math.MaxInt64, func(c *thresholds.Crossing) { got = string(c.AppendJSON(nil)) })
	if err := r.Line([]byte(`{"id":"1","time":"1678-01-01T00:00:01Z","type":"click","incident":"A"}`)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(got, `"from":"1676-01-02T00:00:00Z"`) {
		t.Fatalf("from is not two years before: %s", got)
	}
}

// TestEndOfTime: a clear that would date beyond the times that there are never comes.
func TestEndOfTime(t *testing.T) {
	p := enginetest.Compile(t, "{pack: late, measures: {clicks: {sum: count, types: [click]}}, rules: [{id: c, by: incident, window: 730d, step: 1d, limits: {clicks: 10}, clear: 0.4}]}")
	n := 0
	r := engine.NewReplay(p, engine.IntakeOptions{}, math.MaxInt64, func(*thresholds.Crossing) { n++ })
	for _, line := range []string{
		`{"id":"1","time":"2261-06-01T00:00:00Z","type":"click","incident":"A","count":10}`,
		`{"id":"2","time":"2261-06-02T00:00:00Z","type":"click","incident":"A"}`,
	} {
		if err := r.Line([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	if n != 2 {
		t.Fatalf("%d crossings, want the two levels", n)
	}
	early := engine.NewReplay(p, engine.IntakeOptions{}, time.Date(1679, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano(), func(*thresholds.Crossing) {})
	if err := early.Line([]byte(`{"id":"1","time":"2261-06-01T00:00:00Z","type":"click","incident":"A"}`)); err == nil || engine.ReasonOf(err) != event.ReasonAhead {
		t.Fatalf("five hundred years ahead: %v", err)
	}
}

// TestTooManyKeys: a rule that makes one event too large for a commit is named.
func TestTooManyKeys(t *testing.T) {
	var levels []string
	for n := range 9_999 {
		levels = append(levels, fmt.Sprintf("%d.%04d", (n+1)/10_000, (n+1)%10_000))
	}
	text := "{pack: p, measures: {c: {sum: count, types: [click]}}, rules: [{id: few, title: T, cite: C, by: incident, window: 1d, step: 1h, limits: {c: 9}}, " +
		"{id: many, title: T, cite: C, by: incident, window: 1d, step: 1h, limits: {c: 1_000_000}, levels: [" + strings.Join(levels, ", ") + ", 1]}]}"
	pack, faults := thresholds.Parse("own.yaml", []byte(text), thresholds.Options{})
	if pack == nil {
		t.Fatal(faults)
	}
	_, err := engine.Compile([]*thresholds.Pack{pack}, 1_000_000)
	if err == nil || !strings.Contains(err.Error(), `the rule "many" of own.yaml, with 10000 levels, has the most part in it: give rules fewer levels`) {
		t.Errorf("got %v", err)
	}
}
