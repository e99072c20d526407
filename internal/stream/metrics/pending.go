package metrics

import (
	"maps"
	"sync"
)

// pending is how many subjects are at a level of a rule that was not announced, by rule: what the metric says, for those who add up the processes'.
type pending struct {
	mu sync.Mutex
	of map[string]int // none is 0
}

func (p *pending) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.of = nil
}

func (p *pending) set(rule string, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == nil {
		p.of = map[string]int{}
	}
	delete(p.of, rule)
	if n > 0 {
		p.of[rule] = n
	}
}

// AllUnannounced is of how many subjects a level was not announced that they are at, by rule, without those of which there are none.
func (m *Metrics) AllUnannounced() map[string]int {
	p := &m.Shards.pending
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.of)
}
