package metricstest

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// Series is the series of a metric that has a label of that value; of a metric without labels its only series.
func Series(tb testing.TB, r *prometheus.Registry, name, label string) *dto.Metric {
	tb.Helper()
	for _, m := range All(tb, r, name) {
		if label == "" || m.GetLabel()[0].GetValue() == label {
			return m
		}
	}
	tb.Fatalf("no metric %s of %q", name, label)
	return nil
}

// All are the series of a metric of a registry.
func All(tb testing.TB, r *prometheus.Registry, name string) []*dto.Metric {
	tb.Helper()
	families, err := r.Gather()
	if err != nil {
		tb.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()
		}
	}
	return nil
}

// Of are the series of a metric, registered or not.
func Of(c prometheus.Collector) (all []*dto.Metric) {
	ch := make(chan prometheus.Metric, 1000)
	c.Collect(ch)
	close(ch)
	for m := range ch {
		x := &dto.Metric{}
		if err := m.Write(x); err != nil {
			panic(err)
		}
		all = append(all, x)
	}
	return all
}

// Value is that of a counter or gauge with one series.
func Value(c prometheus.Collector) float64 {
	x := Of(c)[0]
	return x.GetCounter().GetValue() + x.GetGauge().GetValue()
}
