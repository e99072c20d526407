package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
)

// Lag is what tells how far partitions are from the ends of their logs.
type Lag struct {
	records *prometheus.GaugeVec
	seconds *prometheus.GaugeVec
	held    *prometheus.GaugeVec
}

func newLag(f factory) *Lag {
	return &Lag{
		records: f.gauges("lag_records", "Records of the partition up to the end of its log that were not counted and stored yet.", "topic", "partition"),
		seconds: f.gauges("lag_seconds", "Age of the newest record of the partition that was counted and stored, while there are more; before the first, the time since the process was given the partition.", "topic", "partition"),
		held:    f.gauges("held_back_records", "Records of the partition, of those in lag_records, that an open transaction holds back.", "topic", "partition"),
	}
}

// Behind notes how far a partition lags: by the records up to the end of the log that are not counted and stored yet, and, if there
// are any, by the age of the newest record that is. Where none is yet, it is the time since its reading began, at given.
func (m *Lag) Behind(at position.TopicPartition, behind, clock int64, given, now time.Time) {
	p := strconv.Itoa(at.Partition)
	m.records.WithLabelValues(at.Topic, p).Set(float64(max(0, behind)))
	age := 0.0
	switch {
	case behind > 0 && clock != engine.NoTime:
		age = max(0, now.Sub(time.UnixMilli(clock)).Seconds())
	case behind > 0:
		age = now.Sub(given).Seconds()
	}
	m.seconds.WithLabelValues(at.Topic, p).Set(age)
}

// HeldBack notes how many records of a partition an open transaction holds back.
func (m *Lag) HeldBack(at position.TopicPartition, records int64) {
	m.held.WithLabelValues(at.Topic, strconv.Itoa(at.Partition)).Set(float64(records))
}

func (m *Lag) drop(at position.TopicPartition) {
	p := strconv.Itoa(at.Partition)
	m.records.DeleteLabelValues(at.Topic, p)
	m.seconds.DeleteLabelValues(at.Topic, p)
	m.held.DeleteLabelValues(at.Topic, p)
}
