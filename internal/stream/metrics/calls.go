package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	redisstore "github.com/seed-afe14ff2/aggregator/internal/windows/store/redis"
)

// Calls is what tells of calls of the store.
type Calls struct {
	seconds *prometheus.HistogramVec
	Errors  *prometheus.CounterVec
}

func newCalls(f factory) *Calls {
	m := &Calls{
		seconds: f.histograms("store_seconds", "Time that one call of the store took, by operation.", prometheus.ExponentialBuckets(0.0005, 2, 15), "operation"),
		Errors:  f.counters("store_errors_total", "Failed calls of the store, by operation and kind of error.", "operation", "kind"),
	}
	for _, operation := range []string{OperationLoad, OperationCommit, OperationFence} {
		m.seconds.WithLabelValues(operation)
	}
	for _, operation := range []string{
		OperationLoad, OperationCommit, OperationFence, OperationOutbox, OperationDecode, OperationIndex, OperationScan, OperationSetting,
		OperationRoster, OperationList,
	} {
		for _, kind := range redisstore.Kinds() {
			m.Errors.WithLabelValues(operation, kind)
		}
	}
	return m
}

// The operations of the store that are timed.
const (
	OperationLoad   = "load"
	OperationCommit = "commit"
	OperationFence  = "fence" // made for a partition that is new to the store
)

// The other operations. They hold nobody up, and are not timed.
const (
	OperationOutbox  = "outbox"  // what relays do
	OperationDecode  = "decode"  // what was read makes no sense: a shard stands still
	OperationIndex   = "index"   // of the subjects that have a clear due
	OperationScan    = "scan"    // for what is empty
	OperationSetting = "setting" // what the store was made with
	OperationRoster  = "roster"  // what processes tell each other
	OperationList    = "list"    // of the subjects near a limit
)

func (m *Calls) took(operation string, d time.Duration) {
	m.seconds.WithLabelValues(operation).Observe(d.Seconds())
}

// Failed counts a failed call of the store.
func (m *Calls) Failed(operation string, err error) {
	m.Errors.WithLabelValues(operation, redisstore.ErrorKind(err)).Inc()
}
