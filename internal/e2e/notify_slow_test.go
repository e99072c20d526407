//go:build slow

package e2e

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// TestSlowNotifyAlertmanager: what is crossed fires in a real Alertmanager, until a clear, and is there again after either of the two was restarted.
func TestSlowNotifyAlertmanager(t *testing.T) {
	kafka, hook := servers.SharedKafka(t), &alertLog{}
	receiver := httptest.NewServer(hook)
	defer receiver.Close()
	am := servers.Alertmanager(t, receiver.URL)
	redis := servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{
		partitions: 1, redis: redis.Addr(), extra: fmt.Sprintf("notify:\n  - {name: am, alertmanager: {urls: [\"http://%s\"], labels: {team: trust}}, min_level: 0.8}\n", am.Addr()),
		pack: `pack: own
measures:
  clicks: {sum: count, types: [click]}
rules:
  - {id: clicks, title: Clicks, by: incident, window: 1h, step: 1m, limits: {clicks: 100}, levels: [0.5, 0.8, 1], clear: 0.4}
`,
	})
	s.start("counts")
	launchNotify := func(name string) *daemon {
		d := launch(t, name, []string{aggregator.Path(t), "notify", "-config", s.config})
		d.awaitStarted()
		d.AwaitReady()
		return d
	}
	d := launchNotify("first")
	d.mayLogErrors = true
	click := func(id, incident, at string, n int) {
		s.produce(&kgo.Record{Value: fmt.Appendf(nil, `{"id":%q,"time":%q,"type":"click","incident":%q,"count":%d}`, id, at, incident, n)})
	}
	firing := func(want ...string) {
		t.Helper()
		eventually(t, fmt.Sprintf("%q fire", want), func() bool { return slices.Equal(am.Firing("subject", "level", "team"), want) })
	}
	ago := func(d time.Duration) string { return time.Now().Add(-d).UTC().Format(time.RFC3339) }
	click("1", "a", ago(90*time.Minute), 100)
	click("2", "b", ago(90*time.Minute), 85)
	firing("a 0.8 trust", "a 1 trust", "b 0.8 trust")
	eventually(t, "it is told on", func() bool { return hook.told(`"status":"firing"`, `"subject":"a"`, `"severity":"critical"`) })

	// Either is restarted: Alertmanager has lost everything, and the new process knows of it from the topic.
	d.Stop()
	am.Kill()
	am.Restart()
	firing()
	launchNotify("second")
	firing("a 0.8 trust", "a 1 trust", "b 0.8 trust")

	// What was clicked is out of the window by now.
	click("3", "a", ago(0), 1)
	firing()
	eventually(t, "it is told on", func() bool { return hook.told(`"status":"resolved"`, `"subject":"a"`) })
}
