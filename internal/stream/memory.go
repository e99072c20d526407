package stream

import "sync"

// decided is what was decided about the records of a partition by their ids, for those that are read again.
type decided struct {
	known     int64   // offset up to which duplicates were decided; -1: nothing was
	knownFrom int64   // offset from which repeats is complete
	repeats   []int64 // offsets in [knownFrom, known) of duplicates, rising
	toldTo    int64   // offset up to which the metrics have been told of the records
}

// memory is the ids of a partition, and what was decided by them.
type memory struct {
	ids duplicates
	decided
}

// memories keeps the memory of each partition of a process from one generation of the group to the next, in which
// the process mostly has it again: to rebuild it takes reading the log of a whole window.
type memories struct {
	mu sync.Mutex
	of map[topicPartition]memory
}

func newMemories() *memories { return &memories{of: map[topicPartition]memory{}} }

// keep takes the memory of a partition that has ended.
func (m *memories) keep(p *partition) {
	if p.known < 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.of[topicPartition{p.lease.topic, p.lease.partition}] = memory{p.in.ids, p.decided}
}

// give gives a new partition what was kept of it.
func (m *memories) give(p *partition) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := topicPartition{p.lease.topic, p.lease.partition}
	if kept, ok := m.of[at]; ok {
		p.in.ids, p.decided, p.shortened = kept.ids, kept.decided, kept.ids.shortened
		delete(m.of, at)
	}
}

// forget drops what nobody was given: the partitions are another process's now.
func (m *memories) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.of)
}
