package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
)

// Totals are how many records were read since the start, by what became of them, and how many operations were late. Canaries are
// left out.
type Totals struct {
	Events [engine.Canary]float64
	Late   float64
}

// Totals reads the counters.
func (m *Metrics) Totals() (t Totals) {
	for v := range t.Events {
		t.Events[v] = valueOf(m.Intake.Events[v])
	}
	for _, c := range m.Shards.late {
		t.Late += valueOf(c)
	}
	return t
}

func valueOf(c prometheus.Counter) float64 {
	var m dto.Metric
	if c.Write(&m) != nil {
		return 0 // no counter of ours does
	}
	return m.GetCounter().GetValue()
}
