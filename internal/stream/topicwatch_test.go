package stream

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/segmentio/kafka-go"
)

// TestWatchTopics: more partitions than the process knows of, or than it gave out as the leader, have it begin again; whoever
// finds out otherwise would never know of those that were made between the two.
func TestWatchTopics(t *testing.T) {
	r := newRig(t, 3, compile(t, smallPack))
	s := r.kafka.connect(testReach(t))
	defer s.close()
	f := func(known, given int, want bool) {
		t.Helper()
		w := topicWatch{topics: s.cluster, known: partitionCounts{"events": known}, log: discard}
		var gave *partitionCounts
		if given >= 0 {
			gave = &partitionCounts{"events": given}
		}
		if got := errors.Is(w.check(t.Context(), []string{"events"}, gave), errGrown); got != want {
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
	var noted atomic.Pointer[partitionCounts]
	for _, b := range balancers(&noted, "") {
		given := b.AssignGroups(members, partitions)
		counts := noted.Swap(nil)
		if len(given["a"]["events"])+len(given["b"]["events"]) != 2 || counts == nil || (*counts)["events"] != 2 || (*counts)["other"] != 1 {
			t.Errorf("%s: given %v, noted %v", b.ProtocolName(), given, counts)
		}
	}
}
