package metrics

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Canary is what tells of the process' canaries.
type Canary struct {
	delay prometheus.Histogram
	every prometheus.Gauge
	last  *prometheus.GaugeVec

	mu    sync.Mutex
	owned map[int]bool
}

func newCanary(f factory) *Canary {
	return &Canary{
		delay: f.histogram("canary_delay_seconds", "The whole way of a canary: produced, counted, published, read back.", delayBuckets),
		every: f.gauge("canary_every_seconds", "Time between two canaries of a partition, as the config says; 0: none are sent."),
		last: f.gauges("canary_last_timestamp_seconds",
			"When the last canary of the partition came back; before the first, when the process was given the partition.", "partition"),
		owned: map[int]bool{},
	}
}

// Every notes how often canaries are sent.
func (m *Canary) Every(d time.Duration) { m.every.Set(d.Seconds()) }

// Own notes the partitions that the process has from now on.
func (m *Canary) Own(partitions []int, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.owned
	m.owned = map[int]bool{}
	for _, p := range partitions {
		if m.owned[p] = true; !before[p] {
			m.last.WithLabelValues(strconv.Itoa(p)).Set(float64(now.UnixMilli()) / 1000)
		}
	}
	for p := range before {
		if !m.owned[p] {
			m.last.DeleteLabelValues(strconv.Itoa(p))
		}
	}
}

// Back notes a canary that came back. What comes back of a partition that was given up has no series any more.
func (m *Canary) Back(partition int, took time.Duration, now time.Time) {
	m.delay.Observe(took.Seconds())
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.owned[partition] {
		m.last.WithLabelValues(strconv.Itoa(partition)).Set(float64(now.UnixMilli()) / 1000)
	}
}
