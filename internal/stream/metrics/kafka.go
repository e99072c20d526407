package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
)

// Kafka is what tells of calls of the brokers.
type Kafka struct {
	Errors *prometheus.CounterVec

	mu      sync.Mutex
	fetched time.Time // when a broker last answered a fetch, or the process last had nothing to fetch
	idle    bool      // it has no partition, so that it fetches nothing
}

// The operations of Kafka beside those of fetch.Client, which has its own.
const (
	OperationGroup       = "group"        // to join the group, and to ask who is in it
	OperationOffsets     = "commit"       // to commit the group's offsets
	OperationPublish     = "publish"      // to write crossings
	OperationDeadLetters = "dead-letters" // to write dead letters
	OperationShadow      = "shadow"       // to write crossings of shadow rules
	OperationCanary      = "canary"       // to write canaries, and their crossings
)

func newKafka(f factory) *Kafka {
	m := &Kafka{
		Errors:  f.counters("kafka_errors_total", "Failed calls of Kafka, by operation and kind of error.", "operation", "kind"),
		fetched: time.Now(),
	}
	f.gaugeFunc("last_fetch_seconds", "Seconds since a broker last answered a fetch; 0 while the process has no partition. "+
		"It grows, too, while nothing is fetched since what was fetched cannot be stored.", m.sinceFetch)
	for _, operation := range []string{
		fetch.CallFetch, fetch.CallOffsets, fetch.CallMetadata, OperationGroup, OperationOffsets, OperationPublish, OperationDeadLetters,
		OperationShadow, OperationCanary,
	} {
		for _, kind := range fetch.Kinds() {
			m.Errors.WithLabelValues(operation, kind)
		}
	}
	return m
}

// Failed counts a failed call, unless it was given up by the caller.
func (m *Kafka) Failed(operation string, err error) {
	if kind := fetch.ErrorKind(err); kind != "" {
		m.Errors.WithLabelValues(operation, kind).Inc()
	}
}

// Answered notes that a broker answered a call.
func (m *Kafka) Answered(operation string) {
	if operation != fetch.CallFetch {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fetched = time.Now()
}

// Given notes how many partitions the process was given.
func (m *Kafka) Given(partitions int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.idle && partitions > 0 {
		m.fetched = time.Now()
	}
	m.idle = partitions == 0
}

func (m *Kafka) sinceFetch() float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.idle {
		return 0
	}
	return max(0, time.Since(m.fetched).Seconds())
}
