package shard

import (
	"sync/atomic"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
)

// Assignment is the ownership of one partition during one generation of the group.
// The partition's goroutine and the shards share it.
type Assignment struct {
	Topic     string
	Partition int
	Index     int // among all partitions of all event topics
	// begin is the offset at which the group began to count the partition; 0: at its start.
	Begin int64
	// GroupAt is the offset that the group had committed when the assignment was given; -1: none.
	GroupAt int64
	Given   time.Time
	// restart asks the partition to read its fences again and go back to them:
	// a shard lost what it had in memory.
	Restart chan struct{}
	Pool    *pool
	// stored is, by shard, the offset of the fence in the store; -1: not known yet.
	stored []atomic.Int64
}

// NewAssignment makes an assignment that nothing has been stored for yet.
func NewAssignment(topic string, partition, index, shards int) *Assignment {
	l := &Assignment{
		Topic: topic, Partition: partition, Index: index, GroupAt: -1, Given: time.Now(),
		Restart: make(chan struct{}, 1),
		Pool:    newPool(chunksPerShard * shards),
		stored:  make([]atomic.Int64, shards),
	}
	for i := range l.stored {
		l.stored[i].Store(-1)
	}
	return l
}

// At is the partition.
func (l *Assignment) At() position.TopicPartition {
	return position.TopicPartition{Topic: l.Topic, Partition: l.Partition}
}

// askRestart wakes the partition, once.
func (l *Assignment) askRestart() {
	select {
	case l.Restart <- struct{}{}:
	default:
	}
}

// Committed is the offset up to which every shard has stored; false if not
// all have begun.
func (l *Assignment) Committed() (int64, bool) {
	low := int64(-1)
	for i := range l.stored {
		v := l.stored[i].Load()
		if v < 0 {
			return 0, false
		}
		if low < 0 || v < low {
			low = v
		}
	}
	return low, true
}
