package metrics

import "github.com/prometheus/client_golang/prometheus"

// The faults for which a metric says when they were last found. What is found at a start stands in a counter before Prometheus
// has seen that at 0, so no rate shows it. When it was found is seen whenever one looks.
const (
	faultLoss = iota
	faultRollback
	faultGone
	faultHole
	faultOutbox
	NumFaults
)

var faultNames = [NumFaults]string{
	faultLoss: "store-loss", faultRollback: "store-rollback", faultGone: "store-record-gone", faultHole: "log-hole", faultOutbox: "outbox-damaged",
}

// faults is when each was found last. What finds faults shares it.
type faults [NumFaults]prometheus.Gauge

func newFaults(f factory) *faults {
	x := &faults{}
	gauges := f.gauges("fault_timestamp_seconds", "When the process last found a fault of this kind; 0: never.", "fault")
	for i := range x {
		x[i] = gauges.WithLabelValues(faultNames[i])
	}
	return x
}

// found counts what was found of a fault, and notes when that was.
func (x *faults) found(fault int, counter prometheus.Counter, n float64) {
	counter.Add(n)
	x[fault].SetToCurrentTime()
}
