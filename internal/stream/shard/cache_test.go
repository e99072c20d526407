package shard

import (
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watermark"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// TestEvict: what is in the batch stays in memory whatever that is bounded to, and goes with the next one.
func TestEvict(t *testing.T) {
	p := enginetest.Compile(t, `
pack: p
measures: {clicks: {sum: count, types: [click]}}
rules: [{id: r, by: incident, window: 10d, step: 1d, limits: {clicks: 10}}]
`)
	m := metrics.New(prometheus.NewRegistry(), p)
	o := NewOptions(p, windowstore.NewMem(1), nil, watermark.NewAlignment(1, 1, 0, func() {}), metrics.Retrier{Calls: m.Calls}, m.Shards)
	o.CacheBytes = 1
	c := &New(0, o).cache
	list, err := c.read(t.Context(), nil, slices.Values([]name{{thresholds.Incident, []byte("A")}, {thresholds.Incident, []byte("A")}}))
	if err != nil || len(list) != 2 || list[0] != list[1] {
		t.Fatalf("%v, %v", list, err)
	}
	b := batch{number: c.batch}
	b.add(list[0])
	c.evict()
	if c.evict(); len(c.subjects) != 1 || c.emptied != c.batch {
		t.Fatalf("%d subjects in memory; looked through in batch %d, now %d", len(c.subjects), c.emptied, c.batch)
	}
	b.clean()
	c.batch = b.next().number
	evicted := func() float64 {
		var m dto.Metric
		if err := o.Metrics.Evicted.Write(&m); err != nil {
			t.Fatal(err)
		}
		return m.GetCounter().GetValue()
	}
	if c.evict(); len(c.subjects) != 0 || c.bytes != 0 || evicted() != 1 {
		t.Fatalf("%d subjects of %d bytes in memory, %v evicted", len(c.subjects), c.bytes, evicted())
	}
}
