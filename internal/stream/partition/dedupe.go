package partition

import (
	"sync"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
)

// dedupeState is the ids of a partition, and what was decided by them.
type dedupeState struct {
	ids engine.Duplicates
	decisions
}

// dedupeCache keeps the ids of each partition of a process from one generation of the group to the
// next. The process mostly has the partition again, and to rebuild the ids takes reading the log of
// a whole window.
type dedupeCache struct {
	mu sync.Mutex
	of map[position.TopicPartition]dedupeState
}

// keep takes the ids of a partition that has ended.
func (m *dedupeCache) keep(at position.TopicPartition, d *decider) {
	if d.decidedTo < 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.of == nil {
		m.of = map[position.TopicPartition]dedupeState{}
	}
	m.of[at] = dedupeState{d.in.IDs, d.decisions}
}

// give gives a new partition what was kept of it.
func (m *dedupeCache) give(at position.TopicPartition, d *decider) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if kept, ok := m.of[at]; ok {
		d.in.IDs, d.decisions, d.shortened = kept.ids, kept.decisions, kept.ids.Shortened
		delete(m.of, at)
	}
}

// forget drops what nobody was given: the partitions are another process's now.
func (m *dedupeCache) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.of)
}
