package janitor

import (
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics/metricstest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard/shardtest"
)

// TestUnannounced: a scan counts the subjects at a level that was not announced: the limit was a larger one at their last event.
func TestUnannounced(t *testing.T) {
	const after = `
pack: p
measures: {clicks: {sum: count, types: [click]}}
rules:
  - {id: new, by: incident, window: 10d, step: 1d, limits: {clicks: 100}}
  - {id: r, by: incident, window: 10d, step: 1d, limits: {clicks: 5}, levels: [1]}
`
	r := newRig(t, shardtest.ClicksPack)
	r.count("click", "A", 1, 6)  // of 10
	r.count("click", "B", 1, 11) // announced
	r.count("click", "C", 1, 3)
	of := func(rule string) int { return int(metricstest.Value(r.options.Metrics.Pending.WithLabelValues(rule))) }
	if r.scan(); of("r") != 0 {
		t.Errorf("%d subjects, before anything changed", of("r"))
	}
	p := enginetest.Compile(t, after)
	o := *r.options
	o.Options = r.Shard.By(p, nil, r.Shard.Listing, nil)
	r.hire(o)
	if r.scan(); of("r") != 1 || of("new") != 0 {
		t.Errorf("%d subjects, and of the new rule %d", of("r"), of("new"))
	}
}
