package notify

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/notify/post"
)

// Metrics is what sinks count about themselves.
type Metrics struct {
	sent, failed, foreign, resent         *prometheus.CounterVec
	retries                               *prometheus.CounterVec
	lag, oldest, up, member, alerts, hole *prometheus.GaugeVec
	delay                                 *prometheus.HistogramVec
}

// delayBuckets are the bounds between a crossing's Kafka timestamp and its being taken, s.
var delayBuckets = []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600}

// NewMetrics registers the metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "aggregator_notify_" + name, Help: help}, append([]string{"sink"}, labels...))
		r.MustRegister(c)
		return c
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "aggregator_notify_" + name, Help: help}, []string{"sink"})
		r.MustRegister(g)
		return g
	}
	m := &Metrics{
		sent:    counter("sent_total", "Crossings that the sink has taken."),
		failed:  counter("failed_total", "Crossings that the sink refused for good, and alerts that it refused when they were sent again; they were passed over."),
		retries: counter("retries_total", "Attempts that failed and are made again, by kind of failure.", "kind"),
		foreign: counter("foreign_total", "Records of the crossings topic that are no crossings; they were passed over."),
		resent:  counter("resent_total", "Alerts that were sent again because they go on."),
		lag:     gauge("lag_records", "Records of the sink's partitions up to the end of the log that are not delivered yet."),
		oldest:  gauge("oldest_timestamp_seconds", "Kafka timestamp of the oldest crossing that is not delivered yet; of one that was not read yet, when that was seen; 0: there is none."),
		up:      gauge("up", "1: the sink took what it was sent last, or nothing was sent yet; 0: it did not."),
		member:  gauge("group_member", "1: the process is a member of the sink's Kafka group; 0: it is not."),
		alerts:  gauge("alerts", "Alerts that are sent again and again."),
		hole:    gauge("hole_timestamp_seconds", "When crossings were last found to be deleted before they were delivered; 0: never."),
		delay: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "aggregator_notify_delay_seconds", Help: "Time from a crossing's Kafka timestamp until the sink has taken it.", Buckets: delayBuckets,
		}, []string{"sink"}),
	}
	r.MustRegister(m.delay)
	return m
}

// sinkMetrics are those of a sink.
type sinkMetrics struct {
	sent, failed, foreign, resent         prometheus.Counter
	retries                               map[string]prometheus.Counter
	lag, oldest, up, member, alerts, hole prometheus.Gauge
	delay                                 prometheus.Observer
}

func (m *Metrics) of(sink string) *sinkMetrics {
	s := &sinkMetrics{
		sent: m.sent.WithLabelValues(sink), failed: m.failed.WithLabelValues(sink), foreign: m.foreign.WithLabelValues(sink),
		hole: m.hole.WithLabelValues(sink), resent: m.resent.WithLabelValues(sink), retries: map[string]prometheus.Counter{},
		lag: m.lag.WithLabelValues(sink), oldest: m.oldest.WithLabelValues(sink), up: m.up.WithLabelValues(sink),
		member: m.member.WithLabelValues(sink), alerts: m.alerts.WithLabelValues(sink), delay: m.delay.WithLabelValues(sink),
	}
	for _, kind := range post.Kinds {
		s.retries[kind] = m.retries.WithLabelValues(sink, kind)
	}
	s.up.Set(1)
	return s
}
