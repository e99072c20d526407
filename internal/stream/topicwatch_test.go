package stream

import (
	"context"
	"errors"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// TestWatchTopics: more partitions than the process knows of, or than it gave out as the leader, have it begin again; whoever
// finds out otherwise would never know of those that were made between the two.
func TestWatchTopics(t *testing.T) {
	r := newRig(t, 3, compile(t, smallPack))
	s := New(Options{Kafka: r.kafka, Program: r.program, Store: windowstore.NewMem(1), Registry: prometheus.NewRegistry(), Log: discard})
	s.connect()
	defer s.disconnect()
	f := func(known, given int, want bool) {
		t.Helper()
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		s.restart, s.topics = cancel, nil
		for p := range known {
			s.topics = append(s.topics, position.TopicPartition{Topic: "events", Partition: p})
		}
		g := &generation{service: s}
		if given >= 0 {
			g.given = &partitionCounts{"events": given}
		}
		g.watchTopics(ctx)
		if got := errors.Is(context.Cause(ctx), errGrown); got != want {
			t.Errorf("of 3 partitions %d known, %d given: begins again %v, want %v", known, given, got, want)
		}
	}
	f(3, -1, false)
	f(3, 3, false)
	f(2, -1, true)
	f(3, 2, true)
	f(4, 4, false)
}

// TestBalancers: the leader notes what it gives out, and gives it as the library does.
func TestBalancers(t *testing.T) {
	members := []kafka.GroupMember{{ID: "a", Topics: []string{"events"}}, {ID: "b", Topics: []string{"events"}}}
	partitions := []kafka.Partition{{Topic: "events", ID: 0}, {Topic: "events", ID: 1}, {Topic: "other", ID: 0}}
	s := &Service{}
	for _, b := range s.balancers() {
		given := b.AssignGroups(members, partitions)
		counts := s.given.Swap(nil)
		if len(given["a"]["events"])+len(given["b"]["events"]) != 2 || counts == nil || (*counts)["events"] != 2 || (*counts)["other"] != 1 {
			t.Errorf("%s: given %v, noted %v", b.ProtocolName(), given, counts)
		}
	}
}
