package stream

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// series is the one of a metric that has a label of that value; of a metric without labels its only one.
func series(t *testing.T, r *prometheus.Registry, name, label string) *dto.Metric {
	t.Helper()
	for _, m := range allSeries(t, r, name) {
		if label == "" || m.GetLabel()[0].GetValue() == label {
			return m
		}
	}
	t.Fatalf("no metric %s of %q", name, label)
	return nil
}

// allSeries are those of a metric.
func allSeries(t *testing.T, r *prometheus.Registry, name string) []*dto.Metric {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()
		}
	}
	return nil
}

// TestStoreCallsAreTimed: each call of the store is, also one that fails.
func TestStoreCallsAreTimed(t *testing.T) {
	r := prometheus.NewRegistry()
	p := metrics.NewRetrier(metrics.New(r, compile(t, builtin(t, "cn-2019-15"))), discard)
	calls := 0
	err := p.Retry(t.Context(), metrics.OperationLoad, 0, func() error {
		if calls++; calls < 3 {
			return errors.New("no answer")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := series(t, r, "aggregator_store_seconds", metrics.OperationLoad).GetHistogram().GetSampleCount(); got != 3 {
		t.Errorf("%d calls timed, want 3", got)
	}
	if got := series(t, r, "aggregator_store_seconds", metrics.OperationCommit).GetHistogram().GetSampleCount(); got != 0 {
		t.Errorf("%d commits timed, want none", got)
	}
}

// TestCrossingExemplar: a crossing's delay leads to the event that crossed, however long the rule's name is, and never to the
// subject.
func TestCrossingExemplar(t *testing.T) {
	r := prometheus.NewRegistry()
	m := metrics.New(r, compile(t, builtin(t, "cn-2019-15")))
	rule := strings.Repeat("r", 64)
	var e outbox.Envelope
	record := `{"rule":"` + rule + `","level":1,"status":"crossed","subject":"inc-42","evidence":{"event":"e","topic":"t","partition":2147483647,"offset":9223372036854775807}}`
	if err := json.Unmarshal([]byte(record), &e); err != nil {
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

// seriesOf are the series of a metric.
func seriesOf(c prometheus.Collector) (all []*dto.Metric) {
	ch := make(chan prometheus.Metric, 100)
	c.Collect(ch)
	close(ch)
	for m := range ch {
		x := &dto.Metric{}
		if err := m.Write(x); err != nil {
			panic(err)
		}
		all = append(all, x)
	}
	return all
}

// told is the value of a counter or gauge of one series.
func told(c prometheus.Collector) float64 {
	x := seriesOf(c)[0]
	return x.GetCounter().GetValue() + x.GetGauge().GetValue()
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

// TestEventTime: how far a partition's events have come is told, once there is one, until it is given up.
func TestEventTime(t *testing.T) {
	r := prometheus.NewRegistry()
	m := metrics.New(r, compile(t, builtin(t, "cn-2019-15")))
	l := shard.NewAssignment("events", 3, 0, 1)
	const name = "aggregator_event_timestamp_seconds"
	m.Reached(l.At(), engine.NoTime)
	if n := len(allSeries(t, r, name)); n != 0 {
		t.Errorf("%d series before there is any event", n)
	}
	m.Reached(l.At(), -1_500_000_000)
	if at := series(t, r, name, "3").GetGauge().GetValue(); at != -1.5 {
		t.Errorf("got %v", at)
	}
	m.Drop(l.At())
	if n := len(allSeries(t, r, name)); n != 0 {
		t.Errorf("%d series of a partition that is another's", n)
	}
}

// TestFaultTimes: when a fault was found stands in a metric, as a counter that is first seen above 0 shows no growth.
func TestFaultTimes(t *testing.T) {
	r := prometheus.NewRegistry()
	m := metrics.New(r, compile(t, builtin(t, "cn-2019-15")))
	const name = "aggregator_fault_timestamp_seconds"
	if n := len(allSeries(t, r, name)); n != metrics.NumFaults {
		t.Errorf("%d series before there is any fault", n)
	}
	began := float64(time.Now().Unix())
	for fault, find := range map[string]func(){
		"store-loss": m.Lost, "store-rollback": m.WentBack, "store-record-gone": m.RecordGone, "log-hole": func() { m.Hole(3) }, "outbox-damaged": m.OutboxDamaged,
	} {
		if at := series(t, r, name, fault).GetGauge().GetValue(); at != 0 {
			t.Errorf("%s: found at %v before it was", fault, at)
		}
		find()
		if at := series(t, r, name, fault).GetGauge().GetValue(); at < began {
			t.Errorf("%s: found at %v, want %v or later", fault, at, began)
		}
	}
}
