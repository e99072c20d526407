package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// Lists is what tells of the lists of subjects near a limit.
type Lists struct {
	Subjects *prometheus.GaugeVec
	CutTotal prometheus.Counter
	left     prometheus.Counter
}

func newLists(f factory) *Lists {
	return &Lists{
		Subjects: f.gauges("subjects_listed", "Subjects near a rule's limit, of the whole group, by the level that they have reached; 0: none.", "rule", "level"),
		CutTotal: f.counter("lists_cut_total", "Rows left out because a list of what is near a limit has index.max."),
		left:     f.counter("lists_waiting_full_total", "Changes of lists that had to wait for the next one, or for the scan: too many waited to be written."),
	}
}

// rules makes the series of all rules, at 0, and forgets those of others.
func (m *Lists) rules(packs []*thresholds.Pack) {
	m.Subjects.Reset()
	for _, p := range packs {
		for _, r := range p.Rules {
			m.Listed(r.ID, 0, 0)
			for _, level := range r.Levels {
				m.Listed(r.ID, level, 0)
			}
		}
	}
}

// Listed notes how many subjects of a rule have reached a level and none above.
func (m *Lists) Listed(rule string, level thresholds.Level, n int) {
	m.Subjects.WithLabelValues(rule, level.String()).Set(float64(n))
}

// Cut counts rows for which a list had no room.
func (m *Lists) Cut(n int) { m.CutTotal.Add(float64(n)) }

// LeftOut counts changes that were not taken.
func (m *Lists) LeftOut(n int) { m.left.Add(float64(n)) }
