package stream

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics/metricstest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
)

// TestLaggingSince: since when a record waits is known to the second, of those that came while somebody looked.
func TestLaggingSince(t *testing.T) {
	begun := time.Unix(1_000_000, 0)
	x := &lagging{}
	saw := func(second int, end int64) { x.saw(fetch.Ends{End: end}, begun.Add(time.Duration(second)*time.Second)) }
	since := func(offset int64, want int) {
		t.Helper()
		at, ok := x.since(offset)
		if ok != (want >= 0) || ok && !at.Equal(begun.Add(time.Duration(want)*time.Second)) {
			t.Errorf("offset %d: since %v, %v, want second %d", offset, at.Sub(begun), ok, want)
		}
	}
	since(0, -1)
	saw(0, 10)
	since(9, -1) // it was there before
	since(10, 0)
	saw(50, 10) // nothing came for days
	since(10, 50)
	saw(51, 12)
	since(10, 50)
	saw(52, 20)
	since(11, 50)
	since(12, 51)
	since(20, 52)
	saw(60, 5) // the log lost its end
	since(4, -1)
	since(5, 60)
}

// TestLaggingBounded: while nothing is counted, what is known stays small, and no record seems younger than it is.
func TestLaggingBounded(t *testing.T) {
	begun := time.Unix(1_000_000, 0)
	x := &lagging{}
	const seconds = 3600
	for i := range seconds {
		x.saw(fetch.Ends{End: int64(10 * i)}, begun.Add(time.Duration(i)*time.Second))
	}
	if n := len(x.seen); n > sightsMost {
		t.Errorf("%d sights", n)
	}
	for i := range seconds {
		at, ok := x.since(int64(10 * i))
		if late := at.Sub(begun.Add(time.Duration(i) * time.Second)); !ok || late > 0 || late < -5*time.Minute {
			t.Fatalf("record of second %d: %v late, %v", i, late, ok)
		}
	}
}

// logAt is a Kafka with one partition, which a test sets.
type logAt struct {
	fetch.Cluster
	ends  fetch.Ends
	first int64 // timestamp of all that is in the log, ms
	err   error
	asked int // for timestamps
}

func (x *logAt) Ends(context.Context, string, int) (fetch.Ends, error) { return x.ends, x.err }

func (x *logAt) Timestamp(context.Context, string, int, int64) (int64, error) {
	x.asked++
	return x.first, x.err
}

// TestLagOfPartition: what the metrics say of a partition, from a backlog at the start to a Kafka that is away.
func TestLagOfPartition(t *testing.T) {
	r := prometheus.NewRegistry()
	m := metrics.New(r, compile(t, smallPack))
	hourAgo := time.Now().Add(-time.Hour).UnixMilli()
	in := &logAt{ends: fetch.Ends{Start: 2, Shown: 10, End: 10}, first: hourAgo}
	l := shard.NewAssignment("events", 0, 0, 1)
	at := position.TopicPartition{Topic: "events", Partition: 0}
	g := &generation{run: &run{clients: &clients{cluster: in}, metrics: m, lags: lags{}, log: discard}, held: map[*shard.Assignment]*holdback{}}
	f := func(records, low, high float64) {
		t.Helper()
		g.measureOne(t.Context(), l)
		got := metricstest.Series(t, r, "aggregator_lag_records", "0").GetGauge().GetValue()
		if age := metricstest.Series(t, r, "aggregator_lag_seconds", "0").GetGauge().GetValue(); got != records || age < low || age > high {
			t.Errorf("%v records, the oldest of %v s, want %v, %v to %v", got, age, records, low, high)
		}
	}
	in.err = errors.New("away")
	g.measureOne(t.Context(), l)
	if n := len(metricstest.All(t, r, "aggregator_lag_records")); n != 0 {
		t.Errorf("%d series before anything is known", n)
	}
	in.err = nil
	f(8, 3600, 3700) // the log holds nothing below 2
	l.GroupAt = 6
	f(4, 3600, 3700)
	f(4, 3600, 3700)
	if in.asked != 2 {
		t.Errorf("asked %d times for the timestamps of two records", in.asked)
	}
	in.err = errors.New("away")
	l.GroupAt = 7
	f(3, 3600, 3700) // what was last known stays
	in.err = nil
	l.GroupAt = 10
	f(0, 0, 0)
	in.ends.End, in.ends.Shown = 11, 11 // the first event after a long pause
	f(1, 0, 60)
	in.err = errors.New("away")
	f(1, 0, 60)
	g.run.lags.of(at).seen[0].at = time.Now().Add(-time.Minute) // it has been away for a minute
	f(1, 60, 120)
	l.GroupAt = 11
	f(0, 0, 0)
	if in.asked != 3 {
		t.Errorf("asked %d times", in.asked)
	}

	all := g.run.lags
	all.keep([]position.TopicPartition{{Topic: "events", Partition: 1}})
	if all.of(at).known {
		t.Error("what is another's is still known")
	}
}
