package stream

import (
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/roster"
)

// rates works out how many records a second the process has read lately. It belongs to one goroutine.
type rates struct {
	metrics *metrics.Metrics
	samples []sample // the oldest first; never none
}

// sample is how many there were at a time.
type sample struct {
	at time.Time
	metrics.Totals
}

// ratesOver is the time that rates are of.
const ratesOver = 10 * time.Second

func newRates(m *metrics.Metrics) *rates {
	return &rates{metrics: m, samples: []sample{{time.Now(), m.Totals()}}}
}

// sample is the rates since the newest sample that is ten seconds old, or since the first.
func (r *rates) sample() (now roster.Rates) { return r.next(sample{time.Now(), r.metrics.Totals()}) }

func (r *rates) next(s sample) (now roster.Rates) {
	for len(r.samples) > 1 && s.at.Sub(r.samples[1].at) >= ratesOver {
		r.samples = r.samples[1:]
	}
	before := r.samples[0]
	r.samples = append(r.samples, s)
	seconds := s.at.Sub(before.at).Seconds()
	if seconds <= 0 {
		return now
	}
	of := func(v engine.Verdict) float64 { return (s.Events[v] - before.Events[v]) / seconds }
	for v := range before.Events {
		now.Events += of(engine.Verdict(v))
	}
	now.Duplicate, now.Malformed, now.Ahead, now.Unmatched = of(engine.Duplicate), of(engine.Malformed), of(engine.Ahead), of(engine.Unmatched)
	now.Late = (s.Late - before.Late) / seconds
	return now
}
