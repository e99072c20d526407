package metrics

import (
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/seed-afe14ff2/aggregator/internal/engine"
)

// Ages is a gauge of how old the oldest of something is, by labels. It is worked out when it is scraped: it goes on growing
// while nobody tells more, as when Kafka or the store is away.
type Ages struct {
	desc *prometheus.Desc
	now  func() time.Time

	mu   sync.Mutex
	list map[string]age // by the labels' values
}

// age is one series.
type age struct {
	labels []string
	oldest int64 // ms; NoTime: there is none
}

func (f factory) ages(name, help string, labels ...string) *Ages {
	a := &Ages{desc: prometheus.NewDesc(namespace+name, help, labels, nil), now: time.Now, list: map[string]age{}}
	f.r.MustRegister(a)
	return a
}

// set notes since when the oldest is there, ms; NoTime: there is none, so its age is 0.
func (a *Ages) set(oldest int64, labels ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list[strings.Join(labels, "\x00")] = age{labels, oldest}
}

func (a *Ages) drop(labels ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.list, strings.Join(labels, "\x00"))
}

// Describe is prometheus.Collector's.
func (a *Ages) Describe(ch chan<- *prometheus.Desc) { ch <- a.desc }

// Collect is prometheus.Collector's.
func (a *Ages) Collect(ch chan<- prometheus.Metric) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now().UnixMilli()
	for _, x := range a.list {
		seconds := 0.0
		if x.oldest != engine.NoTime {
			seconds = float64(max(0, now-x.oldest)) / 1000
		}
		ch <- prometheus.MustNewConstMetric(a.desc, prometheus.GaugeValue, seconds, x.labels...)
	}
}
