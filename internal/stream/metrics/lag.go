package metrics

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
)

// Lag is what tells how far partitions are from the ends of their logs.
type Lag struct {
	records *prometheus.GaugeVec
	seconds *Ages
	held    *prometheus.GaugeVec
}

func newLag(f factory) *Lag {
	return &Lag{
		records: f.gauges("lag_records", "Records of the partition up to the end of its log that were not counted and stored yet.", "topic", "partition"),
		seconds: f.ages("lag_seconds", "Age of the oldest record of the partition that was not counted and stored yet; 0: there is none. "+
			"It is by its Kafka timestamp, or since when it is in the log, where that was seen.", "topic", "partition"),
		held: f.gauges("held_back_records", "Records of the partition, of those in lag_records, that an open transaction holds back.", "topic", "partition"),
	}
}

// Behind notes how far a partition lags: by the records up to the end of the log that are not counted and stored yet, and since when
// the oldest of them waits, ms; engine.NoTime: there is none.
func (m *Lag) Behind(at position.TopicPartition, behind, oldest int64) {
	p := strconv.Itoa(at.Partition)
	m.records.WithLabelValues(at.Topic, p).Set(float64(behind))
	m.seconds.set(oldest, at.Topic, p)
}

// HeldBack notes how many records of a partition an open transaction holds back.
func (m *Lag) HeldBack(at position.TopicPartition, records int64) {
	m.held.WithLabelValues(at.Topic, strconv.Itoa(at.Partition)).Set(float64(records))
}

func (m *Lag) drop(at position.TopicPartition) {
	p := strconv.Itoa(at.Partition)
	m.records.DeleteLabelValues(at.Topic, p)
	m.seconds.drop(at.Topic, p)
	m.held.DeleteLabelValues(at.Topic, p)
}
