package stream

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/roster"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

func TestRates(t *testing.T) {
	m := metrics.New(prometheus.NewRegistry(), enginetest.Compile(t, `{pack: p, measures: {n: {sum: count, types: [click]}}, rules: [{id: r, by: incident, window: 1h, step: 1m, limits: {n: 9}}]}`))
	start := time.Now()
	r := &rates{metrics: m, samples: []sample{{start, m.Totals()}}}
	look := func(seconds int) roster.Rates {
		return r.next(sample{start.Add(time.Duration(seconds) * time.Second), m.Totals()})
	}
	if got := look(0); got != (roster.Rates{}) {
		t.Errorf("in no time: %+v", got)
	}
	for range 12 {
		m.Intake.Event(engine.Matched)
		m.Intake.Event(engine.Duplicate)
		m.Intake.Event(engine.Canary) // counted apart
	}
	m.Intake.Event(engine.Malformed)
	m.Intake.Event(engine.Ahead)
	m.Intake.Event(engine.Unmatched)
	m.Shards.Operation(thresholds.Account, engine.Outcome{Late: true})
	want := roster.Rates{Events: 9, Duplicate: 4, Malformed: 1. / 3, Ahead: 1. / 3, Unmatched: 1. / 3, Late: 1. / 3}
	if got := look(3); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	look(6)
	look(9)
	if got := look(12); got.Events != 27./12 {
		t.Errorf("after 12 s: %v a second", got.Events)
	}
	if got := look(15); got != (roster.Rates{}) {
		t.Errorf("after 15 s, of which nothing came for 12: %+v", got)
	}
}
