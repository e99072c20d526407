package stream

import "sync"

// decisions is what was decided about the records of a partition by their ids, for those that are read again.
type decisions struct {
	decidedTo  int64   // offset up to which duplicates were decided; -1: nothing was
	knownFrom  int64   // offset from which repeats is complete
	repeats    []int64 // offsets in [knownFrom, known) of duplicates, rising
	reportedTo int64   // offset up to which the metrics have been told of the records
}

// dedupeState is the ids of a partition, and what was decided by them.
type dedupeState struct {
	ids duplicates
	decisions
}

// dedupeCache keeps the memory of each partition of a process from one generation of the group to the next, in which
// the process mostly has it again: to rebuild it takes reading the log of a whole window.
type dedupeCache struct {
	mu sync.Mutex
	of map[topicPartition]dedupeState
}

func newDedupeCache() *dedupeCache { return &dedupeCache{of: map[topicPartition]dedupeState{}} }

// keep takes the memory of a partition that has ended.
func (m *dedupeCache) keep(p *partition) {
	if p.decidedTo < 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.of[topicPartition{p.assignment.topic, p.assignment.partition}] = dedupeState{p.in.ids, p.decisions}
}

// give gives a new partition what was kept of it.
func (m *dedupeCache) give(p *partition) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := topicPartition{p.assignment.topic, p.assignment.partition}
	if kept, ok := m.of[at]; ok {
		p.in.ids, p.decisions, p.shortened = kept.ids, kept.decisions, kept.ids.shortened
		delete(m.of, at)
	}
}

// forget drops what nobody was given: the partitions are another process's now.
func (m *dedupeCache) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.of)
}
