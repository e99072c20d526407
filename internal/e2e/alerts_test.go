package e2e

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// alertRules are the files of rules, and hasten is how much faster time passes for them in tests: a minute is three seconds.
var alertRules = []string{"../../deploy/monitoring/rules/aggregator-alerts.yaml", "../../deploy/monitoring/rules/aggregator-slo.yaml"}

const hasten = 20

// TestAlertsAtTheStart: a process may find a hole in the log or a loss of the store before
// Prometheus has ever seen it. Both are alerted: on a real Prometheus, with the rules of
// deploy/monitoring.
func TestAlertsAtTheStart(t *testing.T) {
	t.Parallel()
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 1, redis: redis.Addr()})
	count := func(n int) {
		for range n {
			s.produce(&kgo.Record{Value: json.RawMessage(clickOver)}) // repeats: they move the fences all the same
		}
	}
	whole := func(name string) {
		t.Helper()
		d := s.start(name)
		s.awaitDone()
		d.Stop()
	}
	count(3)
	whole("first")

	// Retention overtakes the program while it is stopped.
	count(3)
	kafka.DeleteRecords(s.events, map[int32]int64{0: 5})
	s.checkAlert(t, "hole", "hole in the log: records were deleted before they were read", "AggregatorLogHole", "aggregator_log_holes_records_total")

	// Redis loses everything while it is stopped.
	redis.Do("FLUSHALL")
	s.checkAlert(t, "loss", "store lost fences: counting again from where counting began", "AggregatorStoreLost", "aggregator_store_losses_total")
}

// checkAlert starts a process that finds a fault, then a Prometheus, which has that one alert of what it does not see grow.
func (s *site) checkAlert(t *testing.T, name, line, alert, counter string) {
	t.Helper()
	d := s.start(name)
	d.mayLogErrors = true
	d.AwaitLog(line)
	s.awaitDone()
	p := servers.Prometheus(t, servers.PrometheusOptions{Targets: []string{d.HTTP}, Rules: alertRules, Hasten: hasten})
	eventually(t, alert+" fires", func() bool { return slices.Contains(p.Firing(), alert) })
	if got := p.Firing(); len(got) != 1 {
		t.Errorf("%v fire, want %s alone", got, alert)
	}
	eventually(t, "several samples", func() bool {
		n := p.Query("count_over_time(" + counter + "[1h])")
		return len(n) == 1 && n[0] > 2
	})
	if growth := p.Query("increase(" + counter + "[1h])"); len(growth) != 1 || growth[0] != 0 {
		t.Errorf("%s grew by %v: the alert could ask for that", counter, growth)
	}
	p.Stop()
	d.Stop()
}
