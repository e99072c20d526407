//go:build slow

package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// notifyRules are the rules for processes of `notify`. They look at alerts of alertRules, which are not there in tests.
const notifyRules = "../../deploy/monitoring/rules/aggregator-notify.yaml"

// TestSlowNotifyAlerts: on a process that delivers no alert fires, and what the alerts ask for is there. A sink that is down, one that refuses, and a
// process that has gone are told of. Time passes faster for the rules.
func TestSlowNotifyAlerts(t *testing.T) {
	x := newNotifyRun(t, servers.SharedKafka(t))
	x.start("")
	d := x.processes[0]
	d.AwaitReady()
	p := servers.Prometheus(t, servers.PrometheusOptions{Targets: []string{d.HTTP}, Rules: []string{notifyRules}, Hasten: hasten})
	if err := <-x.feed(10, time.Millisecond); err != nil {
		t.Fatal(err)
	}
	for _, s := range x.sinks {
		eventually(t, s.kind+" has all", func() bool { return s.has() == 10 })
	}
	eventually(t, "Prometheus has seen it", func() bool { return slices.Equal(p.Query(`sum(aggregator_notify_sent_total)`), []float64{30}) })
	for _, r := range readRulesOf(t, notifyRules) {
		for _, s := range selector.FindAllString(r.Expr, -1) {
			if len(p.Query(s)) == 0 {
				t.Errorf("%s asks for %s, which has no series", r.Alert, s)
			}
		}
		checkUncompared(t, p, &r)
	}
	if firing := p.Firing(); len(firing) > 0 {
		t.Errorf("%q fire though all is well", firing)
	}

	x.sinks[0].set("500")
	x.sinks[1].set("refuse")
	if err := <-x.feed(20, time.Millisecond); err != nil {
		t.Fatal(err)
	}
	eventually(t, "what is refused is told of", func() bool { return slices.Contains(p.Firing(), "AggregatorNotifyRefused") })
	if got := p.Label(`ALERTS{alertname="AggregatorNotifyRefused"}`, "sink"); !slices.Equal(got, []string{"pagerduty"}) {
		t.Errorf("refused by %q", got)
	}
	eventually(t, "the sink that is down is told of", func() bool {
		got := p.Label(`ALERTS{alertname="AggregatorNotifyFailing", alertstate="firing"}`, "sink")
		return slices.Equal(got, []string{"webhook"})
	})
	d.Kill()
	eventually(t, "that it has gone is told of", func() bool { return slices.Contains(p.Firing(), "AggregatorNotifyAway") })
}
