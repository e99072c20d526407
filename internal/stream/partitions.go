package stream

import (
	"fmt"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// partitionList are all partitions of all event topics, topic by topic. The place in it is a partition's index.
type partitionList []position.TopicPartition

// index is the place of a partition; false: it is not known.
func (l partitionList) index(topic string, partition int) (int, bool) {
	i := slices.Index(l, position.TopicPartition{Topic: topic, Partition: partition})
	return max(i, 0), i >= 0
}

// counts are the numbers of partitions, by topic.
func (l partitionList) counts() partitionCounts {
	counts := partitionCounts{}
	for _, t := range l {
		counts[t.Topic]++
	}
	return counts
}

// leader is the partition with which a shard's relay and sweep go. Shard n goes with partition n
// modulo the partitions of the first topic.
func (l partitionList) leader(shard int) position.TopicPartition {
	first := slices.IndexFunc(l, func(t position.TopicPartition) bool { return t.Topic != l[0].Topic })
	if first < 0 {
		first = len(l)
	}
	return l[shard%first]
}

// check refuses more partitions than have room in a commit: it names a fence for each, beside what
// one event can write.
func (l partitionList) check(keysPerEvent int) error {
	if most := windowstore.MaxCommitKeys - keysPerEvent - 2; len(l) > most {
		return &finalError{fmt.Errorf("the event topics have %d partitions together, with these packs a group can count %d at most: count some of the topics in another group",
			len(l), most)}
	}
	return nil
}

// others is how many processes beside this one the group has, about, if this one holds so many partitions.
func (l partitionList) others(held int) int {
	if held == 0 || held >= len(l) {
		return 0
	}
	return (len(l)+held-1)/held - 1
}
