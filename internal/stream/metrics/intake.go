package metrics

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
)

// Intake is what tells of records read: what each was, and what was missing.
type Intake struct {
	Events    [engine.NumVerdicts]prometheus.Counter
	dead      *prometheus.CounterVec
	Holes     prometheus.Counter
	losses    prometheus.Counter
	Surplus   prometheus.Counter
	ids       *prometheus.GaugeVec
	shortened prometheus.Counter
	newest    *prometheus.GaugeVec
	faults    *faults
}

func newIntake(f factory, found *faults) *Intake {
	m := &Intake{
		dead:      f.counters("dead_letters_total", "Records sent to the dead-letter topic, by reason.", "reason"),
		Holes:     f.counter("log_holes_records_total", "Records that were deleted from the log before they were read, or passed over by -skip."),
		losses:    f.counter("store_losses_total", "Times a partition's fences were missing though it had been counted: counted again from where counting began, or refused, as redis.lost says."),
		Surplus:   f.counter("records_passed_over_total", "Records of a batch that have the offset of another one, or stand behind its last: passed over, as other consumers do."),
		ids:       f.gauges("duplicate_ids", "Event ids remembered for the partition.", "topic", "partition"),
		shortened: f.counter("duplicate_window_shortened_total", "Event ids forgotten early because dedupe.max_ids was reached."),
		newest:    f.gauges("event_timestamp_seconds", "Newest time of an event of the partition that matched a rule, or of a canary. Over those that are not silent, the smallest is the stream's time.", "topic", "partition"),
		faults:    found,
	}
	events := f.counters("events_total", "Events read, by result.", "result")
	for v := range m.Events[:engine.Canary] {
		m.Events[v] = events.WithLabelValues(engine.VerdictNames[v])
	}
	m.Events[engine.Canary] = f.counter("canary_events_total", "Canary events read. They are in no other counter of events, except one that is malformed or ahead.")
	for _, reason := range event.Reasons() {
		m.dead.WithLabelValues(reason)
	}
	return m
}

// Event counts a record read, by what became of it.
func (m *Intake) Event(v engine.Verdict) { m.Events[v].Inc() }

// DeadLetter counts a record sent to the dead-letter topic.
func (m *Intake) DeadLetter(reason string) { m.dead.WithLabelValues(reason).Inc() }

// PassedOver counts records that do not fit their batch.
func (m *Intake) PassedOver(records int) { m.Surplus.Add(float64(records)) }

// Hole notes records that were deleted from the log unread.
func (m *Intake) Hole(records int64) { m.faults.found(faultHole, m.Holes, float64(records)) }

// Lost notes that a partition's fences were missing.
func (m *Intake) Lost() { m.faults.found(faultLoss, m.losses, 1) }

// Remembered notes the ids remembered for a partition, and how many were forgotten early.
func (m *Intake) Remembered(at position.TopicPartition, ids int, shortened uint64) {
	m.ids.WithLabelValues(at.Topic, strconv.Itoa(at.Partition)).Set(float64(ids))
	m.shortened.Add(float64(shortened))
}

// Reached notes the newest time matched of a partition, ns.
func (m *Intake) Reached(at position.TopicPartition, newest int64) {
	if newest != engine.NoTime {
		m.newest.WithLabelValues(at.Topic, strconv.Itoa(at.Partition)).Set(float64(newest) / 1e9)
	}
}

func (m *Intake) drop(at position.TopicPartition) {
	p := strconv.Itoa(at.Partition)
	m.ids.DeleteLabelValues(at.Topic, p)
	m.newest.DeleteLabelValues(at.Topic, p)
}
