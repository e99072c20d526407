package engine_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// TestOutcome: what became of an operation, and which rules it fed.
func TestOutcome(t *testing.T) {
	p := enginetest.Compile(t, `
pack: p
measures:
  clicks: {sum: count, types: [click]}
  seen:   {distinct: account, types: [click, view]}
  orders: {sum: count, types: [order]}
  defied: {sum: count, types: [defiance], after: orders}
rules:
  - {id: both, by: incident, window: 1h, step: 1m, limits: {clicks: 5, seen: 100}, levels: [1], clear: 0.5}
  - {id: views, by: incident, window: 1h, step: 1m, limits: {seen: 100}, levels: [1]}
  - {id: defied, by: incident, window: 1h, step: 1m, limits: {defied: 5}, levels: [1]}
  - {id: clicks, by: incident, window: 1h, step: 1m, limits: {clicks: 50}, levels: [1]}
`)
	var crossed []string
	a := engine.Applier{Program: p, Emit: func(_ *engine.Subject, c *thresholds.Crossing) {
		crossed = append(crossed, fmt.Sprint(c.Rule.ID, " ", c.Level, " ", c.Event))
	}}
	in := engine.NewIntake(p, engine.Secret{}, engine.IntakeOptions{})
	s := engine.NewSubject(windows.NewSubject(&p.Kinds[thresholds.Incident].Layout), thresholds.Incident, "A")
	f := func(kind, at string, want engine.Outcome, crossings ...string) {
		t.Helper()
		line := fmt.Appendf(nil, `{"id":"%s","time":"2026-01-01T%sZ","type":%q,"incident":"A","account":"a","count":5}`, at, at, kind)
		if err := in.Decoder.Decode(&in.Event, line); err != nil {
			t.Fatal(err)
		}
		crossed = nil
		ops, _ := in.Operations()
		got := a.Apply(s, &ops[0], engine.Moment{Time: in.Newest, Known: in.Newest})
		if got.Late != want.Late || got.Refused != want.Refused || got.Capped != want.Capped || !slices.Equal(got.Fed, want.Fed) {
			t.Errorf("%s at %s: got %+v, want %+v", kind, at, got, want)
		}
		if !slices.Equal(crossed, crossings) {
			t.Errorf("%s at %s: crossed %v, want %v", kind, at, crossed, crossings)
		}
	}
	f("view", "12:00:00", engine.Outcome{Fed: []int{0, 1}})
	f("defiance", "12:00:01", engine.Outcome{Refused: true})
	f("order", "12:00:02", engine.Outcome{})
	f("defiance", "12:00:03", engine.Outcome{Fed: []int{2}}, "defied 1 12:00:03")
	f("click", "12:00:04", engine.Outcome{Fed: []int{0, 1, 3}}, "both 1 12:00:04")
	f("click", "10:00:00", engine.Outcome{Late: true})
	if got, want := engine.Seconds(a.Redate(s)), int64(1_767_272_460); got != want { // 13:01, once the click of 12:00 has left
		t.Errorf("clears at %d, want %d", got, want)
	}
	f("view", "13:01:00", engine.Outcome{Fed: []int{0, 1}}, "both 0 ")
	if got := a.Redate(s); got != engine.Never || s.Due != engine.Never {
		t.Errorf("next clear %d, due %d: nothing is armed", got, s.Due)
	}
}
