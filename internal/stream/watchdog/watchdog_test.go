package watchdog

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics/metricstest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
)

// dogYard is a watchdog over a partition, a shard and a relay, and a clock of seconds.
type dogYard struct {
	*Watchdog
	partition, shard, relay Pulse
	log                     bytes.Buffer
	now                     time.Time
}

func newDogYard(t *testing.T) *dogYard {
	y := &dogYard{now: time.Unix(1_000_000, 0)}
	p := enginetest.Compile(t, enginetest.Builtin(t, "cn-2019-15"))
	y.Watchdog = &Watchdog{
		Metrics: metrics.New(prometheus.NewRegistry(), p).Health, Log: slog.New(slog.NewJSONHandler(&y.log, nil)), Quiet: &retry.Throttle{},
		Topics: []position.TopicPartition{{Topic: "events", Partition: 0}, {Topic: "events", Partition: 1}},
	}
	y.WatchPartition(&y.partition, position.TopicPartition{Topic: "events", Partition: 1})
	y.WatchShard(&y.shard, 3)
	y.WatchRelay(&y.relay, 3)
	return y
}

// pass lets seconds pass, with something done in each.
func (y *dogYard) pass(seconds int, each func()) {
	for range seconds {
		y.now = y.now.Add(time.Second)
		each()
		y.Look(y.now)
	}
}

// gauge is what the metric says of shards.
func (y *dogYard) gauge() (seconds float64) {
	for _, x := range metricstest.Of(y.Metrics.Stalled) {
		if x.GetLabel()[3].GetValue() == "shard" {
			seconds += x.GetGauge().GetValue()
		}
	}
	return seconds
}

// TestWatchdog: a goroutine that does nothing for ten seconds though it is at work is reported
// once. It is reported with step and place, in log, metric and to who asks. A goroutine that rests,
// or does anything at all, is not.
func TestWatchdog(t *testing.T) {
	y := newDogYard(t)
	if n := len(metricstest.Of(y.Metrics.Stalled)); n != 3 {
		t.Errorf("%d series at the start", n)
	}
	y.pass(100, func() {}) // all rest
	y.partition.At(StepFetch)
	y.shard.At(StepApply)
	y.relay.At(StepPublish)
	y.pass(100, func() { y.partition.Beat(); y.shard.Offset.Add(1); y.relay.Offset.Add(1) })
	if got := y.Stalls(); got != nil || y.log.Len() > 0 {
		t.Fatalf("said of those who work: %q %s", got, y.log.String())
	}

	y.shard.Place.Store(2)
	y.shard.Offset.Store(17)
	go1 := func() { y.partition.Beat(); y.relay.Beat() }
	y.pass(10, go1)
	if got := y.Stalls(); got != nil {
		t.Errorf("said too early: %q", got)
	}
	y.shard.At(StepCommit) // to go from one step to another is not to do anything
	y.pass(5, go1)
	if got, want := y.Stalls(), "shard 3 does nothing for 14 s, at events/1 offset 17: commit to redis"; !slices.Equal(got, []string{want}) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := y.gauge(); got != 14 {
		t.Errorf("metric %v", got)
	}
	text := y.log.String()
	if strings.Count(text, "\n") != 1 || !containsEach(text, `"msg":"stalled: nothing was done for some time"`, `"what":"shard"`, `"shard":3`, `"step":"commit to redis"`, `"topic":"events"`, `"partition":1`, `"offset":17`) {
		t.Errorf("log: %s", text)
	}

	y.partition.At(StepDeadLetters)
	y.partition.Offset.Store(99)
	y.pass(20, func() {})
	want := []string{
		"partition events/1 does nothing for 19 s, at offset 99: write dead letters to kafka",
		"shard 3 does nothing for 34 s, at events/1 offset 17: commit to redis", "relay 3 does nothing for 20 s, at entry 100: publish to kafka",
	}
	if got := y.Stalls(); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	y.shard.Beat()
	y.relay.At(StepRest)
	y.partition.Beat()
	y.log.Reset()
	y.pass(3, go1)
	if y.shard.At(StepRest); y.Stalls() != nil || y.gauge() != 0 || strings.Count(y.log.String(), "nothing is stalled any more") != 1 {
		t.Errorf("at the end: %q %s", y.Stalls(), y.log.String())
	}
	y.Forget(&y.relay)
	if n := len(metricstest.Of(y.Metrics.Stalled)); n != 3 {
		t.Errorf("%d series in the end: none may vanish because the group is lost", n)
	}
}

// TestWatchdogSleeps: a process that was stopped does not take its sleep for another's.
func TestWatchdogSleeps(t *testing.T) {
	y := newDogYard(t)
	y.shard.At(StepApply)
	y.pass(2, func() {})
	y.now = y.now.Add(time.Hour)
	y.pass(1, func() {})
	if got := y.Stalls(); got != nil {
		t.Errorf("%q", got)
	}
}

func containsEach(s string, parts ...string) bool {
	return !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(s, p) })
}

// TestWatchdogEnds: it ends with its context.
func TestWatchdogEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	newDogYard(t).Run(ctx)
}
