package metrics

import (
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
)

// Metrics is what the service counts about itself, by what it tells of. No subject is ever in a
// label. All series with known labels exist from the start, at 0. None vanishes because Kafka or the store is away. Fields of the groups are exported for tests, and for the watchdog.
type Metrics struct {
	Intake *Intake
	Lag    *Lag
	Shards *Shards
	Outbox *Outbox
	Shadow *Outbox // of crossings of shadow rules
	Calls  *Calls
	Kafka  *Kafka
	Health *Health
	Canary *Canary
	Lists  *Lists

	Rules  *Rules
	mu     sync.Mutex
	given  []position.TopicPartition // partitions and
	shards []int                     // outboxes that the group gave the process last
}

// New makes the metrics of a program and registers them.
func New(r prometheus.Registerer, p *engine.Program) *Metrics {
	f := factory{r}
	found := newFaults(f)
	live := newOutbox(f, found)
	shadow := newShadow(f, live)
	m := &Metrics{
		Intake: newIntake(f, found), Lag: newLag(f), Shards: newShards(f, found, shadow),
		Outbox: live, Shadow: shadow, Calls: newCalls(f), Kafka: newKafka(f), Health: newHealth(f), Canary: newCanary(f),
		Lists: newLists(f), Rules: newRules(f),
	}
	m.InForce(p, time.Now())
	return m
}

// InForce notes that the packs of a program are in force since a time. Counters of rules that are gone stay, as counters do. What is
// counted in the store by them is not known any more.
func (m *Metrics) InForce(p *engine.Program, since time.Time) {
	m.Rules.inForce(p.Packs(), since)
	m.Shards.rules(p.Packs())
	m.Outbox.rules(p.Packs(), false)
	m.Shadow.rules(p.Packs(), true)
	m.Lists.rules(p.Packs())
}

// Begin forgets what was noted of shards that are made again.
func (m *Metrics) Begin() {
	m.Shards.cached.Set(0)
	m.Health.Stalled.Reset()
}

// Given notes what the group has given the process: partitions, and with them the outboxes of shards. Series of what is another's
// from now on are forgotten, and not before: while the group is lost, what was last known stays.
func (m *Metrics) Given(partitions []position.TopicPartition, shards []int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, at := range m.given {
		if !slices.Contains(partitions, at) {
			m.Intake.drop(at)
			m.Lag.drop(at)
			m.Health.dropPartition(at)
		}
	}
	for _, shard := range m.shards {
		if !slices.Contains(shards, shard) {
			m.Outbox.drop(shard)
			m.Shadow.drop(shard)
			m.Health.dropRelay(shard)
		}
	}
	m.given, m.shards = partitions, shards
	m.Kafka.Given(len(partitions))
}
