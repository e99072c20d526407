package stream

import (
	"maps"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// twoTopics are three partitions of one topic and two of another.
func twoTopics() partitionList {
	return partitionList{
		{Topic: "a", Partition: 0}, {Topic: "a", Partition: 1}, {Topic: "a", Partition: 2}, {Topic: "b", Partition: 0}, {Topic: "b", Partition: 1},
	}
}

// TestCheckPartitions: as many partitions as have room in a commit, and no more.
func TestCheckPartitions(t *testing.T) {
	const keys = 100
	most := windowstore.MaxCommitKeys - keys - 2
	if err := make(partitionList, most).check(keys); err != nil {
		t.Error(err)
	}
	if err := make(partitionList, most+1).check(keys); err == nil || !final(err) || !strings.Contains(err.Error(), "partitions together") {
		t.Errorf("error %v", err)
	}
}

// TestPartitionIndex: a partition is found by topic and number, and one that is not there is not.
func TestPartitionIndex(t *testing.T) {
	f := func(topic string, partition, want int) {
		t.Helper()
		if got, ok := twoTopics().index(topic, partition); ok != (want >= 0) || ok && got != want {
			t.Errorf("%s/%d: %d, %v, want %d", topic, partition, got, ok, want)
		}
	}
	f("a", 0, 0)
	f("a", 2, 2)
	f("b", 1, 4)
	f("b", 2, -1)
	f("c", 0, -1)
	if want := (partitionCounts{"a": 3, "b": 2}); !maps.Equal(twoTopics().counts(), want) {
		t.Errorf("counts %v, want %v", twoTopics().counts(), want)
	}
}

// TestShardsOf: a shard goes with one partition of the first topic, so that one process of the group has it.
func TestShardsOf(t *testing.T) {
	f := func(topics partitionList, held []int, want ...int) {
		t.Helper()
		var assignments []*shard.Assignment
		for _, i := range held {
			assignments = append(assignments, shard.NewAssignment(topics[i].Topic, topics[i].Partition, i, 1))
		}
		wanted := map[int]bool{}
		for _, n := range want {
			wanted[n] = true
		}
		if got := shardsOf(topics, assignments, 8); !maps.Equal(got, wanted) {
			t.Errorf("of %v held %v: shards %v, want %v", topics, held, got, want)
		}
	}
	f(twoTopics(), nil)
	f(twoTopics(), []int{0}, 0, 3, 6)
	f(twoTopics(), []int{1, 2}, 1, 2, 4, 5, 7)
	f(twoTopics(), []int{3, 4})
	f(twoTopics()[:1], []int{0}, 0, 1, 2, 3, 4, 5, 6, 7)
	f(nil, nil)
}

// TestOthers: how many other processes there are, as far as the partitions of this one tell.
func TestOthers(t *testing.T) {
	f := func(all, held, want int) {
		t.Helper()
		if got := make(partitionList, all).others(held); got != want {
			t.Errorf("%d of %d: %d others, want %d", held, all, got, want)
		}
	}
	f(6, 0, 0)
	f(6, 6, 0)
	f(6, 3, 1)
	f(6, 2, 2)
	f(6, 4, 1)
	f(6, 1, 5)
	f(0, 0, 0)
}

// TestOwnedShards: what is owned is what was last said.
func TestOwnedShards(t *testing.T) {
	var o ownedShards
	if o.has(1) {
		t.Error("the zero value has a shard")
	}
	for _, n := range []int{1, 2} {
		if o.replace(map[int]bool{n: true}); !o.has(n) || o.has(n-1) || o.has(n+1) {
			t.Errorf("of shard %d: %v", n, o.list)
		}
	}
}
