package partition

import (
	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"sync"
)

// decisions is what was decided about the records of a partition by their ids, for those that are read again.
type decisions struct {
	DecidedTo  int64   // offset up to which duplicates were decided; -1: nothing was
	knownFrom  int64   // offset from which repeats is complete
	repeats    []int64 // offsets in [knownFrom, known) of duplicates, rising
	reportedTo int64   // offset up to which the metrics have been told of the records
}

// dedupeState is the ids of a partition, and what was decided by them.
type dedupeState struct {
	ids engine.Duplicates
	decisions
}

// dedupeCache keeps the memory of each partition of a process from one generation of the group to the next, in which
// the process mostly has it again: to rebuild it takes reading the log of a whole window.
type dedupeCache struct {
	mu sync.Mutex
	of map[position.TopicPartition]dedupeState
}

// keep takes the memory of a partition that has ended.
func (m *dedupeCache) keep(p *Partition) {
	if p.DecidedTo < 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.of == nil {
		m.of = map[position.TopicPartition]dedupeState{}
	}
	m.of[position.TopicPartition{Topic: p.Assignment.Topic, Partition: p.Assignment.Partition}] = dedupeState{p.In.IDs, p.decisions}
}

// give gives a new partition what was kept of it.
func (m *dedupeCache) give(p *Partition) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := position.TopicPartition{Topic: p.Assignment.Topic, Partition: p.Assignment.Partition}
	if kept, ok := m.of[at]; ok {
		p.In.IDs, p.decisions, p.shortened = kept.ids, kept.decisions, kept.ids.Shortened
		delete(m.of, at)
	}
}

// forget drops what nobody was given: the partitions are another process's now.
func (m *dedupeCache) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.of)
}
