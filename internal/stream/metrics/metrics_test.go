package metrics_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
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
	m.Given([]position.TopicPartition{at}, nil)
	m.Given([]position.TopicPartition{{Topic: "events", Partition: 4}}, nil)
	if n := len(metricstest.All(t, r, name)); n != 0 {
		t.Errorf("%d series of a partition that is another's", n)
	}
}

// TestGiven: series of partitions and outboxes stay until the group gives these to another process, and no longer.
func TestGiven(t *testing.T) {
	r := prometheus.NewRegistry()
	m := metrics.New(r, enginetest.Compile(t, enginetest.Builtin(t, "cn-2019-15")))
	kept, gone := position.TopicPartition{Topic: "events", Partition: 0}, position.TopicPartition{Topic: "events", Partition: 1}
	m.Given([]position.TopicPartition{kept, gone}, []int{0, 1})
	for i, at := range []position.TopicPartition{kept, gone} {
		m.Intake.Reached(at, 7)
		m.Intake.Remembered(at, 1, 0)
		m.Lag.Behind(at, 3, time.Now().UnixMilli())
		m.Lag.HeldBack(at, 1)
		m.Outbox.Waiting(i, 1, time.Now().UnixMilli())
		m.Health.StalledPartition(at).Set(1)
		m.Health.StalledRelay(i).Set(1)
	}
	f := func(each int) {
		t.Helper()
		for _, name := range []string{"event_timestamp_seconds", "duplicate_ids", "lag_records", "lag_seconds", "held_back_records", "outbox_entries", "outbox_oldest_seconds"} {
			if n := len(metricstest.All(t, r, "aggregator_"+name)); n != each {
				t.Errorf("%d series of %s, want %d", n, name, each)
			}
		}
		if n := len(metricstest.All(t, r, "aggregator_stalled_seconds")); n != 2*each {
			t.Errorf("%d series of what is stalled, want %d", n, 2*each)
		}
	}
	f(2)
	m.Given([]position.TopicPartition{kept}, []int{0})
	f(1)
	m.Given([]position.TopicPartition{kept}, []int{0}) // the same again, after the group was lost
	f(1)
	m.Given(nil, nil)
	f(0)
}

// TestAges: what is old grows older by itself, what is not there has no age, and a clock that is ahead makes none below zero.
func TestAges(t *testing.T) {
	r := prometheus.NewRegistry()
	m := metrics.New(r, enginetest.Compile(t, enginetest.Builtin(t, "cn-2019-15")))
	at := position.TopicPartition{Topic: "events", Partition: 3}
	age := func(name string) float64 { return metricstest.Series(t, r, name, "3").GetGauge().GetValue() }
	f := func(low, high float64) {
		t.Helper()
		if got := age("aggregator_lag_seconds"); got < low || got > high {
			t.Errorf("an age of %v s, want %v to %v", got, low, high)
		}
	}
	m.Lag.Behind(at, 0, engine.NoTime)
	f(0, 0)
	m.Lag.Behind(at, 1, time.Now().Add(-time.Hour).UnixMilli())
	f(3600, 3660)
	for first := age("aggregator_lag_seconds"); age("aggregator_lag_seconds") <= first; { // it grows
	}
	m.Lag.Behind(at, 1, time.Now().Add(time.Hour).UnixMilli())
	f(0, 0)
	m.Outbox.Waiting(3, 1, time.Now().Add(-time.Minute).UnixMilli())
	if got := age("aggregator_outbox_oldest_seconds"); got < 60 || got > 120 {
		t.Errorf("the oldest crossing waits for %v s", got)
	}
	m.Outbox.Waiting(3, 0, 0)
	if got := age("aggregator_outbox_oldest_seconds"); got != 0 {
		t.Errorf("none waits, and the oldest for %v s", got)
	}
}

// TestSinceFetch: the time since a fetch was answered grows, unless there is nothing to fetch, and begins again when there is.
func TestSinceFetch(t *testing.T) {
	made := func() (*metrics.Kafka, func() float64) {
		r := prometheus.NewRegistry()
		k := metrics.New(r, enginetest.Compile(t, enginetest.Builtin(t, "cn-2019-15"))).Kafka
		return k, func() float64 {
			return metricstest.Series(t, r, "aggregator_last_fetch_seconds", "").GetGauge().GetValue()
		}
	}
	_, sinceStart := made() // of which nobody tells anything
	k, since := made()
	grows := func(what string) {
		t.Helper()
		before := since()
		for before < 0.005 {
			before = since()
		}
		if got, all := since(), sinceStart(); got <= before || got >= all {
			t.Errorf("%s: %v after %v, since the start %v", what, got, before, all)
		}
	}
	grows("before the first")
	k.Answered("offsets") // no fetch
	grows("after another call")
	k.Given(0)
	if got := since(); got != 0 {
		t.Errorf("without a partition: %v", got)
	}
	idle := sinceStart()
	k.Given(1)
	if got, all := since(), sinceStart(); got <= 0 || got > all-idle {
		t.Errorf("just given a partition: %v, since the start %v, before %v", got, all, idle)
	}
	before := since()
	for before < 0.005 {
		before = since()
	}
	k.Given(2) // the group was lost, and is there again
	if got := since(); got <= before {
		t.Errorf("given partitions again: %v after %v", got, before)
	}
	k.Answered("fetch")
	if got, all := since(), sinceStart(); got <= 0 || got >= all-before {
		t.Errorf("just answered: %v, since the start %v", got, all)
	}
}

// TestErrorSeries: errors of Kafka and of the store have all their series before the first of them.
func TestErrorSeries(t *testing.T) {
	r := prometheus.NewRegistry()
	m := metrics.New(r, enginetest.Compile(t, enginetest.Builtin(t, "cn-2019-15")))
	count := func(name string, want float64) (series int) {
		t.Helper()
		sum := 0.0
		for _, x := range metricstest.All(t, r, name) {
			sum += x.GetCounter().GetValue()
			series++
		}
		if sum != want {
			t.Errorf("%s: %v, want %v", name, sum, want)
		}
		return series
	}
	ofKafka, ofStore := count("aggregator_kafka_errors_total", 0), count("aggregator_store_errors_total", 0)
	if want := 9 * len(fetch.Kinds()); ofKafka != want {
		t.Errorf("%d series of Kafka, want %d", ofKafka, want)
	}
	m.Kafka.Failed(metrics.OperationPublish, kafka.NotEnoughReplicas)
	m.Kafka.Failed(fetch.CallFetch, context.DeadlineExceeded)
	m.Kafka.Failed(fetch.CallFetch, context.Canceled)
	m.Calls.Failed(metrics.OperationScan, context.DeadlineExceeded)
	if a, b := count("aggregator_kafka_errors_total", 2), count("aggregator_store_errors_total", 1); a != ofKafka || b != ofStore {
		t.Errorf("series were born late: %d and %d, now %d and %d", ofKafka, ofStore, a, b)
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

// TestCrossingInTime: what took ten seconds to the millisecond was in time, as the alerts have it, and not a millisecond more.
func TestCrossingInTime(t *testing.T) {
	r := prometheus.NewRegistry()
	m := metrics.New(r, enginetest.Compile(t, enginetest.Builtin(t, "cn-2019-15")))
	for _, delay := range []int64{20, 10_000, 10_001, 600_000} {
		m.Outbox.Crossing(metrics.Crossing{Rule: "r", Level: "1", Status: "crossed", Delay: delay})
	}
	for _, b := range metricstest.Series(t, r, "aggregator_crossing_delay_seconds", "").GetHistogram().GetBucket() {
		if b.GetUpperBound() == 10 {
			if n := b.GetCumulativeCount(); n != 2 {
				t.Errorf("%d of 4 were in time, want 2", n)
			}
			return
		}
	}
	t.Error("there is no bucket of ten seconds")
}
