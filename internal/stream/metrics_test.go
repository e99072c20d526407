package stream

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics/metricstest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// What tests ask of metrics, by short names.
var (
	series    = metricstest.Series
	allSeries = metricstest.All
	seriesOf  = metricstest.Of
	told      = metricstest.Value
)

// TestCrossingExemplar: a crossing's delay leads to the event that crossed, however long the rule's name is, and never to the
// subject.
func TestCrossingExemplar(t *testing.T) {
	r := prometheus.NewRegistry()
	m := metrics.New(r, compile(t, builtin(t, "cn-2019-15")))
	rule := strings.Repeat("r", 64)
	record := `{"rule":"` + rule + `","level":1,"status":"crossed","subject":"inc-42","evidence":{"event":"e","topic":"t","partition":2147483647,"offset":9223372036854775807}}`
	e, err := outbox.ParseEntry(storedEntry(0, []byte(record)))
	if err != nil {
		t.Fatal(err)
	}
	m.Crossing(e.Told(20))
	m.Crossing(metrics.Crossing{Rule: rule, Level: "0", Status: "cleared", Delay: math.MaxInt64})
	got := ""
	h := series(t, r, "aggregator_crossing_delay_seconds", "").GetHistogram()
	for _, b := range h.GetBucket() {
		for _, l := range b.GetExemplar().GetLabel() {
			got += l.GetName() + "=" + l.GetValue() + " "
		}
	}
	if h.GetSampleCount() != 1 || !strings.Contains(got, "offset=9223372036854775807 ") || !strings.Contains(got, "partition=2147483647 ") ||
		!strings.Contains(got, "rule="+rule) || strings.Contains(got, "inc-42") {
		t.Errorf("of %d crossings: %s", h.GetSampleCount(), got)
	}
}

// TestSubjectsMade: a subject is counted as made when its record is first written, by kind, and not again.
func TestSubjectsMade(t *testing.T) {
	p := compile(t, `
pack: p
measures: {clicks: {sum: count, types: [click]}}
rules:
  - {id: r, by: incident, window: 10d, step: 1d, limits: {clicks: 900000}}
  - {id: s, by: account, window: 10d, step: 1d, limits: {clicks: 900000}}
`)
	store := windowstore.NewMem(1)
	s, l := lone(t, p, store)
	feed := newFeeder(p)
	click := func(n int, incident string) string {
		return fmt.Sprintf(`{"id":"%d","time":"2026-01-01T00:00:00Z","type":"click","incident":"%s","account":"u"}`, n, incident)
	}
	f := func(incidents, accounts float64) {
		t.Helper()
		if i, a := told(s.Metrics.Made[thresholds.Incident]), told(s.Metrics.Made[thresholds.Account]); i != incidents || a != accounts {
			t.Errorf("made %v incidents and %v accounts, want %v and %v", i, a, incidents, accounts)
		}
	}
	f(0, 0)
	feed.count(t, s, l, click(1, "A"), click(2, "A"), click(3, "B"))
	f(2, 1)
	feed.count(t, s, l, click(4, "A"), click(5, "C"))
	f(3, 1)
	s, l = lone(t, p, store) // another process
	feed.count(t, s, l, click(6, "A"), click(7, "B"))
	f(0, 0)
}
