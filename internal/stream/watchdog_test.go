package stream

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
)

// dogYard is a watchdog over a partition, a shard and a relay, and a clock of seconds.
type dogYard struct {
	*watchdog
	partition, shard, relay pulse
	log                     bytes.Buffer
	now                     time.Time
}

func newDogYard(t *testing.T) *dogYard {
	y := &dogYard{now: time.Unix(1_000_000, 0)}
	p := compile(t, builtin(t, "cn-2019-15"))
	y.watchdog = &watchdog{
		metrics: NewMetrics(prometheus.NewRegistry(), p), log: slog.New(slog.NewJSONHandler(&y.log, nil)), quiet: &retry.Throttle{},
		topics: []topicPartition{{"events", 0}, {"events", 1}},
	}
	y.watchPartition(&y.partition, topicPartition{"events", 1})
	y.watchShard(&y.shard, 3)
	y.watchRelay(&y.relay, 3)
	return y
}

// pass lets seconds pass, with something done in each.
func (y *dogYard) pass(seconds int, each func()) {
	for range seconds {
		y.now = y.now.Add(time.Second)
		each()
		y.look(y.now)
	}
}

// TestWatchdog: who does nothing for ten seconds though it is at work is said, once, with step and place, in log, metric and to who asks;
// who rests, or does anything at all, is not.
func TestWatchdog(t *testing.T) {
	y := newDogYard(t)
	gauge := func() (of float64) {
		for _, x := range seriesOf(y.metrics.stalled) {
			if x.GetLabel()[3].GetValue() == "shard" {
				of += x.GetGauge().GetValue()
			}
		}
		return of
	}
	if n := len(seriesOf(y.metrics.stalled)); n != 3 {
		t.Errorf("%d series at the start", n)
	}
	y.pass(100, func() {}) // all rest
	y.partition.at(stepFetch)
	y.shard.at(stepApply)
	y.relay.at(stepPublish)
	y.pass(100, func() { y.partition.beat(); y.shard.offset.Add(1); y.relay.offset.Add(1) })
	if got := y.stalls(); got != nil || y.log.Len() > 0 {
		t.Fatalf("said of those who work: %q %s", got, y.log.String())
	}

	y.shard.place.Store(2)
	y.shard.offset.Store(17)
	go1 := func() { y.partition.beat(); y.relay.beat() }
	y.pass(10, go1)
	if got := y.stalls(); got != nil {
		t.Errorf("said too early: %q", got)
	}
	y.shard.at(stepCommit) // to go from one step to another is not to do anything
	y.pass(5, go1)
	if got, want := y.stalls(), "shard 3 does nothing for 14 s, at events/1 offset 17: commit to redis"; !slices.Equal(got, []string{want}) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := gauge(); got != 14 {
		t.Errorf("metric %v", got)
	}
	text := y.log.String()
	if strings.Count(text, "\n") != 1 || !containsEach(text, `"msg":"stalled: nothing was done for some time"`, `"what":"shard"`, `"shard":3`, `"step":"commit to redis"`, `"topic":"events"`, `"partition":1`, `"offset":17`) {
		t.Errorf("log: %s", text)
	}

	y.partition.at(stepBury)
	y.partition.offset.Store(99)
	y.pass(20, func() {})
	want := []string{
		"partition events/1 does nothing for 19 s, at offset 99: write dead letters to kafka",
		"shard 3 does nothing for 34 s, at events/1 offset 17: commit to redis", "relay 3 does nothing for 20 s, at entry 100: publish to kafka",
	}
	if got := y.stalls(); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	y.shard.beat()
	y.relay.at(stepRest)
	y.partition.beat()
	y.log.Reset()
	y.pass(3, go1)
	if y.shard.at(stepRest); y.stalls() != nil || gauge() != 0 || strings.Count(y.log.String(), "nothing is stalled any more") != 1 {
		t.Errorf("at the end: %q %s", y.stalls(), y.log.String())
	}
	y.forget(&y.relay)
	if n := len(seriesOf(y.metrics.stalled)); n != 2 {
		t.Errorf("%d series in the end", n)
	}
}

// TestWatchdogSleeps: a process that was stopped does not take its sleep for another's.
func TestWatchdogSleeps(t *testing.T) {
	y := newDogYard(t)
	y.shard.at(stepApply)
	y.pass(2, func() {})
	y.now = y.now.Add(time.Hour)
	y.pass(1, func() {})
	if got := y.stalls(); got != nil {
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
	newDogYard(t).run(ctx)
}
