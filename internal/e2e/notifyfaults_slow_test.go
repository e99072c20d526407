//go:build slow

package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// TestSlowNotifyFaults is TestNotifyFaults with as many as FAULTS says: 10,000 crossings and 200 faults of each sink, if it is 100.
func TestSlowNotifyFaults(t *testing.T) {
	newNotifyRun(t, servers.Kafka(t, servers.KafkaOptions{})).run(repetitions(1_000, 10_000), repetitions(20, 200), 20*time.Millisecond)
}

// TestSlowNotifyStuck: while a sink takes longer for an answer than a session of its group, processes come and go, and no crossing comes twice
// or overtakes another one.
func TestSlowNotifyStuck(t *testing.T) {
	x := newNotifyRun(t, servers.SharedKafka(t))
	x.sinks = slices.DeleteFunc(x.sinks, func(s *fakeSink) bool { return s.kind == "alertmanager" }) // which is waited for for 10 s
	for _, s := range x.sinks {
		s.set("stuck")
	}
	x.start("")
	done := x.feed(40, 250*time.Millisecond)
	<-time.After(3 * time.Second)
	x.start("")
	<-time.After(20 * time.Second)
	x.start("")
	<-time.After(5 * time.Second)
	x.stop()
	<-time.After(20 * time.Second)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	x.conclude()
}
