package stream

import (
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// TestResettle: a store that lost everything is told again of which topics it is counted.
func TestResettle(t *testing.T) {
	s := &Service{Options: Options{Store: windowstore.NewMem(1), Program: compile(t, smallPack), Shards: 1}, outPartitions: 1, topicIDs: map[string]fetch.TopicID{"events": {1, 2}}, deployment: &deployment{}}
	s.coverage = shard.NewCoverage(s.Store, s.Program, nil, 1, discard)
	if err := s.rewriteSettings(t.Context()); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[fetch.TopicID]bool{{1, 2}: true, {3}: false} {
		if same, err := s.noteTopic(t.Context(), "events", id); err != nil || same != want {
			t.Errorf("id %v: the stored one %v, error %v; want %v", id[:2], same, err, want)
		}
	}
}

// TestCheckPartitions: as many partitions as have room in a commit, and no more.
func TestCheckPartitions(t *testing.T) {
	s := &Service{Options: Options{Program: compile(t, smallPack)}}
	most := windowstore.MaxCommitKeys - s.Program.KeysPerEvent - 2
	s.topics = make([]position.TopicPartition, most)
	if err := s.checkPartitions(); err != nil {
		t.Error(err)
	}
	s.topics = make([]position.TopicPartition, most+1)
	if err := s.checkPartitions(); err == nil || !strings.Contains(err.Error(), "partitions together") {
		t.Errorf("error %v", err)
	}
}
