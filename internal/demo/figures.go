package demo

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/humanize"
)

// figures is what the program says about itself: the sums of its metrics, by
// name and by name{value} of their first label.
type figures map[string]float64

// readFigures reads the metrics as a scrape would.
func readFigures(r prometheus.Gatherer) figures {
	f := figures{}
	families, err := r.Gather()
	if err != nil {
		return f
	}
	for _, family := range families {
		for _, m := range family.Metric {
			v := m.GetCounter().GetValue() + m.GetGauge().GetValue()
			f[family.GetName()] += v
			if len(m.Label) == 1 {
				f[family.GetName()+"{"+m.Label[0].GetValue()+"}"] += v
			}
		}
	}
	return f
}

// events is how many events the service has read; with a result, how many ended in it.
func (f figures) events(result string) int {
	if result == "" {
		return int(f["aggregator_events_total"])
	}
	return int(f["aggregator_events_total{"+result+"}"])
}

// results is how all events that were read ended, in words.
func (f figures) results() string {
	var parts []string
	for _, r := range []string{"matched", "unmatched", "duplicate", "malformed", "ahead"} {
		parts = append(parts, r+" "+humanize.Number(f.events(r)))
	}
	return strings.Join(parts, ", ")
}

func (f figures) of(name string) int { return int(f["aggregator_"+name]) }

// speed is how fast a number grows, smoothed over some two seconds.
type speed struct {
	last int
	at   time.Time
	rate float64
}

func (s *speed) of(n int, now time.Time) int {
	if passed := now.Sub(s.at).Seconds(); !s.at.IsZero() && passed > 0 {
		s.rate += (float64(n-s.last)/passed - s.rate) / 8
	}
	s.last, s.at = n, now
	return int(s.rate)
}
