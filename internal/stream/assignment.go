package stream

import (
	"sync/atomic"
	"time"
)

// assignment is the ownership of one partition during one generation of the group.
// The partition's goroutine and the shards share it.
type assignment struct {
	topic     string
	partition int
	index     int // among all partitions of all event topics
	// begin is the offset at which the group began to count the partition; 0: at its start.
	begin int64
	// groupAt is the offset that the group had committed when the assignment was given; -1: none.
	groupAt int64
	given   time.Time
	// restart asks the partition to read its fences again and go back to them:
	// a shard lost what it had in memory.
	restart chan struct{}
	pool    *pool
	// stored is, by shard, the offset of the fence in the store; -1: not known yet.
	stored []atomic.Int64
	// clocks is, by shard, the partition's clock at that fence, ms; noTime: none.
	clocks []atomic.Int64
}

func newAssignment(topic string, partition, index, shards int) *assignment {
	l := &assignment{
		topic: topic, partition: partition, index: index, groupAt: -1, given: time.Now(),
		restart: make(chan struct{}, 1),
		pool:    newPool(chunksPerShard * shards),
		stored:  make([]atomic.Int64, shards),
		clocks:  make([]atomic.Int64, shards),
	}
	for i := range l.stored {
		l.stored[i].Store(-1)
	}
	return l
}

func (l *assignment) at() topicPartition { return topicPartition{l.topic, l.partition} }

// chunksPerShard is how many runs an assignment has for each shard: one being filled,
// one under way.
const chunksPerShard = 2

// askRestart wakes the partition, once.
func (l *assignment) askRestart() {
	select {
	case l.restart <- struct{}{}:
	default:
	}
}

// clock is the partition's clock up to which every shard has stored, ms; noTime: none.
func (l *assignment) clock() int64 {
	low := int64(never)
	for i := range l.clocks {
		low = min(low, l.clocks[i].Load())
	}
	return low
}

// committed is the offset up to which every shard has stored; false if not
// all have begun.
func (l *assignment) committed() (int64, bool) {
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
