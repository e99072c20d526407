package metrics_test

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics/metricstest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
)

// TestStoreCallsAreTimed: each call of the store is, also one that fails.
func TestStoreCallsAreTimed(t *testing.T) {
	r := prometheus.NewRegistry()
	p := metrics.NewRetrier(metrics.New(r, enginetest.Compile(t, enginetest.Builtin(t, "cn-2019-15"))), slog.New(slog.DiscardHandler))
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
	if got := metricstest.Series(t, r, "aggregator_store_seconds", metrics.OperationLoad).GetHistogram().GetSampleCount(); got != 3 {
		t.Errorf("%d calls timed, want 3", got)
	}
	if got := metricstest.Series(t, r, "aggregator_store_seconds", metrics.OperationCommit).GetHistogram().GetSampleCount(); got != 0 {
		t.Errorf("%d commits timed, want none", got)
	}
}

// TestEventTime: a metric shows how far a partition's events have come, once there are any, until
// the partition is given up.
func TestEventTime(t *testing.T) {
	r := prometheus.NewRegistry()
	m := metrics.New(r, enginetest.Compile(t, enginetest.Builtin(t, "cn-2019-15")))
	at := position.TopicPartition{Topic: "events", Partition: 3}
	const name = "aggregator_event_timestamp_seconds"
	m.Intake.Reached(at, engine.NoTime)
	if n := len(metricstest.All(t, r, name)); n != 0 {
		t.Errorf("%d series before there is any event", n)
	}
	m.Intake.Reached(at, -1_500_000_000)
	if got := metricstest.Series(t, r, name, "3").GetGauge().GetValue(); got != -1.5 {
		t.Errorf("got %v", got)
	}
	m.Drop(at)
	if n := len(metricstest.All(t, r, name)); n != 0 {
		t.Errorf("%d series of a partition that is another's", n)
	}
}

// TestFaultTimes: when a fault was found stands in a metric, as a counter that is first seen above 0 shows no growth.
func TestFaultTimes(t *testing.T) {
	r := prometheus.NewRegistry()
	m := metrics.New(r, enginetest.Compile(t, enginetest.Builtin(t, "cn-2019-15")))
	const name = "aggregator_fault_timestamp_seconds"
	if n := len(metricstest.All(t, r, name)); n != metrics.NumFaults {
		t.Errorf("%d series before there is any fault", n)
	}
	began := float64(time.Now().Unix())
	for fault, find := range map[string]func(){
		"store-loss": m.Intake.Lost, "store-rollback": m.Shards.WentBack, "store-record-gone": m.Shards.RecordGone, "log-hole": func() { m.Intake.Hole(3) }, "outbox-damaged": m.Outbox.Damaged,
	} {
		if at := metricstest.Series(t, r, name, fault).GetGauge().GetValue(); at != 0 {
			t.Errorf("%s: found at %v before it was", fault, at)
		}
		find()
		if at := metricstest.Series(t, r, name, fault).GetGauge().GetValue(); at < began {
			t.Errorf("%s: found at %v, want %v or later", fault, at, began)
		}
	}
}
