package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
)

// Metrics is what the service counts about itself, by what it tells of. No subject is ever in a
// label. All series with known labels exist from the start, at 0. Fields of the groups are exported for tests, and for the watchdog.
type Metrics struct {
	Intake *Intake
	Lag    *Lag
	Shards *Shards
	Outbox *Outbox
	Calls  *Calls
	Health *Health
}

// New makes the metrics of a program and registers them.
func New(r prometheus.Registerer, p *engine.Program) *Metrics {
	f := factory{r}
	found := newFaults(f)
	info := f.gauges("rules_info", "The packs loaded: 1.", "pack", "hash")
	for _, pack := range p.Packs() {
		info.WithLabelValues(pack.Name, pack.Hash).Set(1)
	}
	return &Metrics{
		Intake: newIntake(f, found), Lag: newLag(f), Shards: newShards(f, found),
		Outbox: newOutbox(f, p.Packs(), found), Calls: newCalls(f), Health: newHealth(f),
	}
}

// Begin forgets what was noted of shards that are made again.
func (m *Metrics) Begin() {
	m.Shards.cached.Set(0)
	m.Health.Stalled.Reset()
}

// Drop forgets the series of a partition that is given up.
func (m *Metrics) Drop(at position.TopicPartition) {
	m.Intake.drop(at)
	m.Lag.drop(at)
}
