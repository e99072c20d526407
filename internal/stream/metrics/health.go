package metrics

import "github.com/prometheus/client_golang/prometheus"

// Health is what tells that the process, or what is around it, is not as it should be.
type Health struct {
	Stalled   *prometheus.GaugeVec
	Unfit     prometheus.Gauge
	strangers prometheus.Gauge
	waits     prometheus.Counter
}

func newHealth(f factory) *Health {
	return &Health{
		Stalled:   f.gauges("stalled_seconds", "Since when a shard, a partition or a relay does nothing though it is at work; 0: it goes on.", "what", "topic", "partition", "shard"),
		Unfit:     f.gauge("store_unfit", "1: Redis is not fit to keep counts, as it may evict keys or is a replica; 0: it is."),
		strangers: f.gauge("group_strangers", "Members of the Kafka group whose events are not counted here: other programs, and aggregators that count into another store."),
		waits:     f.counter("partition_wait_timeouts_total", "Times a partition that was ahead went on though the slowest made no progress for a minute."),
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

// GaveUpWaiting counts a partition that went on though the slowest made no progress.
func (m *Health) GaveUpWaiting() { m.waits.Inc() }
