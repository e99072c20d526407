package metrics

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// Outbox is what tells of crossings: those that wait, and those that were published.
type Outbox struct {
	crossings *prometheus.CounterVec
	skipped   prometheus.Counter
	dropped   prometheus.Counter   // of shadow rules
	delivery  prometheus.Histogram // nil: not measured
	Depth     *prometheus.GaugeVec
	Age       *Ages
	damaged   prometheus.Counter
	faults    *faults
}

// delayBuckets are the bounds between an event and what came of it, s. One is 10, within which a crossing is to be acknowledged
// (deploy/monitoring/rules).
var delayBuckets = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300}

func newOutbox(f factory, found *faults) *Outbox {
	return &Outbox{
		crossings: f.counters("crossings_total", "Crossings published, by rule, level and status.", "rule", "level", "status"),
		skipped:   f.counter("crossings_skipped_total", "Crossings not published again, as their id was in the topic."),
		delivery:  f.histogram("crossing_delay_seconds", "Time from the event's Kafka timestamp to its crossing acknowledged.", delayBuckets),
		Depth:     f.gauges("outbox_entries", "Crossings of the shard that wait to be published.", "shard"),
		Age:       f.ages("outbox_oldest_seconds", "Age of the oldest crossing of the shard that waits to be published, by its event's Kafka timestamp; 0: none waits.", "shard"),
		damaged:   f.counter("outbox_damaged_total", "Outbox entries that were missing or damaged."),
		faults:    found,
	}
}

// newShadow is the same of the crossings of shadow rules, which have an outbox of their own. Nobody waits for them: how soon they come is
// not measured.
func newShadow(f factory, live *Outbox) *Outbox {
	return &Outbox{
		crossings: f.counters("shadow_crossings_total", "Crossings of shadow rules, by rule, level and status: published, or committed where kafka.shadow is not set.", "rule", "level", "status"),
		dropped:   f.counter("shadow_crossings_dropped_total", "Crossings of shadow rules that were not published, as their outbox was full."),
		skipped:   live.skipped,
		Depth:     f.gauges("shadow_outbox_entries", "Crossings of shadow rules of the shard that wait to be published.", "shard"),
		Age:       f.ages("shadow_outbox_oldest_seconds", "Age of the oldest crossing of a shadow rule of the shard that waits to be published, by its event's Kafka timestamp; 0: none waits.", "shard"),
		damaged:   live.damaged,
		faults:    live.faults,
	}
}

// rules makes the series of the rules that are shadow rules, or that are none.
func (m *Outbox) rules(packs []*thresholds.Pack, shadow bool) {
	for _, pack := range packs {
		for _, r := range pack.Rules {
			if r.Shadow != shadow {
				continue
			}
			for _, l := range r.Levels {
				m.crossings.WithLabelValues(r.ID, l.String(), "crossed")
			}
			if r.Clear > 0 {
				m.crossings.WithLabelValues(r.ID, "0", "cleared")
			}
		}
	}
}

// Waiting notes how many entries wait, and the Kafka timestamp of the oldest, ms; 0: none waits.
func (m *Outbox) Waiting(shard int, entries uint64, oldest int64) {
	s := strconv.Itoa(shard)
	m.Depth.WithLabelValues(s).Set(float64(entries))
	if oldest == 0 {
		oldest = engine.NoTime
	}
	m.Age.set(oldest, s)
}

// drop forgets the series of an outbox that another process publishes from now on.
func (m *Outbox) drop(shard int) {
	s := strconv.Itoa(shard)
	m.Depth.DeleteLabelValues(s)
	m.Age.drop(s)
}

// Damaged notes an outbox entry that was missing or damaged.
func (m *Outbox) Damaged() { m.faults.found(faultOutbox, m.damaged, 1) }

// RepeatSkipped counts a crossing that was in the topic already.
func (m *Outbox) RepeatSkipped() { m.skipped.Inc() }

// Crossing is what the metrics tell of a crossing.
type Crossing struct {
	Rule, Level, Status string
	Partition           int // of its evidence
	Offset              int64
	Delay               int64 // from its event's Kafka timestamp, ms
}

// Crossing notes a crossing that was published. The exemplar leads to the event that crossed; its
// labels, with a rule's name of at most 64 letters, fit the 128 that an exemplar may have.
func (m *Outbox) Crossing(c Crossing) {
	m.crossings.WithLabelValues(c.Rule, c.Level, c.Status).Inc()
	if c.Status != "crossed" || m.delivery == nil {
		return
	}
	m.delivery.(prometheus.ExemplarObserver).ObserveWithExemplar(float64(c.Delay)/1000, prometheus.Labels{
		"rule": c.Rule, "partition": strconv.Itoa(c.Partition), "offset": strconv.FormatInt(c.Offset, 10),
	})
}
