package metrics

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// Rules is what tells of the packs that are in force.
type Rules struct {
	info       *prometheus.GaugeVec
	successful prometheus.Gauge
	since      prometheus.Gauge
	packs      []*thresholds.Pack // that info names
}

func newRules(f factory) *Rules {
	return &Rules{
		info:       f.gauges("rules_info", "The packs loaded: 1.", "pack", "hash"),
		successful: f.gauge("rules_last_reload_successful", "1: the packs as they were last read are in force; 0: they have faults, and those of before stay in force."),
		since:      f.gauge("rules_last_reload_timestamp_seconds", "When the packs that are in force came into force, Unix time."),
	}
}

func (m *Rules) inForce(packs []*thresholds.Pack, since time.Time) {
	for _, p := range packs {
		m.info.WithLabelValues(p.Name, p.Hash).Set(1)
	}
	for _, old := range m.packs {
		if !slices.ContainsFunc(packs, func(p *thresholds.Pack) bool { return p.Name == old.Name && p.Hash == old.Hash }) {
			m.info.DeleteLabelValues(old.Name, old.Hash)
		}
	}
	m.packs = packs
	m.since.Set(float64(since.UnixMilli()) / 1000)
	m.Read(true)
}

// Read notes whether the packs as they were last read are without faults.
func (m *Rules) Read(good bool) {
	m.successful.Set(0)
	if good {
		m.successful.Set(1)
	}
}
