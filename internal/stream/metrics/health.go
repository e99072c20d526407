package metrics

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
)

// Health is what tells that the process, or what is around it, is not as it should be.
type Health struct {
	Stalled   *prometheus.GaugeVec
	Unfit     prometheus.Gauge
	strangers prometheus.Gauge
	member    prometheus.Gauge
	holds     prometheus.Gauge
	waits     prometheus.Counter
	differ    prometheus.Gauge
}

func newHealth(f factory) *Health {
	return &Health{
		Stalled:   f.gauges("stalled_seconds", "Since when a shard, a partition or a relay does nothing though it is at work; 0: it goes on.", "what", "topic", "partition", "shard"),
		Unfit:     f.gauge("store_unfit", "1: Redis is not fit to keep counts, as it may evict keys or is a replica; 0: it is."),
		strangers: f.gauge("group_strangers", "Members of the Kafka group whose events are not counted here: other programs, and aggregators that count into another store."),
		member:    f.gauge("group_member", "1: the process is a member of the Kafka group; 0: it is not."),
		holds:     f.gauge("group_partitions", "Partitions of the events' topics that the process has; 0: it stands by, or is no member of the group."),
		waits:     f.counter("partition_wait_timeouts_total", "Times a partition that was ahead went on though the slowest made no progress for a minute."),
		differ:    f.gauge("rules_differ", "Other sets of packs that live processes of the group have loaded; 0: all have the same."),
	}
}

// StoreUnfit notes whether the store is unfit to keep counts.
func (m *Health) StoreUnfit(is bool) {
	m.Unfit.Set(0)
	if is {
		m.Unfit.Set(1)
	}
}

// StrangersSeen notes how many members of the group are not of this deployment.
func (m *Health) StrangersSeen(n int) { m.strangers.Set(float64(n)) }

// Joined notes that the process is a member of the group, with so many partitions.
func (m *Health) Joined(partitions int) {
	m.member.Set(1)
	m.holds.Set(float64(partitions))
}

// Left notes that it is none.
func (m *Health) Left() {
	m.member.Set(0)
	m.holds.Set(0)
}

// StalledPartition is the series that says of a partition whether it does nothing.
func (m *Health) StalledPartition(at position.TopicPartition) prometheus.Gauge {
	return m.Stalled.WithLabelValues("partition", at.Topic, strconv.Itoa(at.Partition), "")
}

// StalledShard is that of a shard.
func (m *Health) StalledShard(shard int) prometheus.Gauge {
	return m.Stalled.WithLabelValues("shard", "", "", strconv.Itoa(shard))
}

// StalledRelay is that of a shard's relay.
func (m *Health) StalledRelay(shard int) prometheus.Gauge {
	return m.Stalled.WithLabelValues("relay", "", "", strconv.Itoa(shard))
}

func (m *Health) dropPartition(at position.TopicPartition) {
	m.Stalled.DeleteLabelValues("partition", at.Topic, strconv.Itoa(at.Partition), "")
}

func (m *Health) dropRelay(shard int) {
	m.Stalled.DeleteLabelValues("relay", "", "", strconv.Itoa(shard))
}

// RulesDiffer notes how many other sets of packs the live processes have.
func (m *Health) RulesDiffer(sets int) { m.differ.Set(float64(sets)) }

// GaveUpWaiting counts a partition that went on though the slowest made no progress.
func (m *Health) GaveUpWaiting() { m.waits.Inc() }
