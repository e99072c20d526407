package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// shadowPacks have a rule that is shadow in one, and live in the other. What the rule of readers announces is the same in both.
var shadowPacks = []string{`
pack: own
measures: {clicks: {sum: count, types: [click]}, readers: {distinct: account, types: [click]}}
rules:
  - {id: clicks, title: t, cite: c, shadow: true, by: incident, window: 730d, step: 1d, limits: {clicks: 20}, levels: [0.25, 0.5, 1, 2]}
  - {id: readers, title: t, cite: c, by: incident, window: 730d, step: 1d, limits: {readers: 12}, levels: [0.5, 1]}
`, `
pack: own
measures: {clicks: {sum: count, types: [click]}, readers: {distinct: account, types: [click]}}
rules:
  - {id: readers, title: t, cite: c, by: incident, window: 730d, step: 1d, limits: {readers: 12}, levels: [0.5, 1]}
  - {id: clicks, title: t, cite: c, by: incident, window: 730d, step: 1d, limits: {clicks: 20}, levels: [0.25, 0.5, 1, 2]}
`}

// TestShadowUnderLoad: a rule goes from shadow to live and back under load, in one process after the other, and one is killed meanwhile now
// and then. Each topic gets what the oracle says: nothing is missed, and nothing wrong. The line of a reload counts what stays open.
func TestShadowUnderLoad(t *testing.T) {
	reloads := 40
	if underRace || testing.Short() {
		reloads = 6
	}
	r := newReloadSite(t, shadowPacks, fmt.Sprintf("shadow-%d", time.Now().UnixNano()))
	r.underLoad(func() {
		for n := range reloads {
			r.reload(n%2, n%10 == 5)
		}
		if r.daemons[0].metric("aggregator_shadow_crossings_total", `rule="clicks"`) == 0 {
			t.Error("no metric counts what is tried")
		}
		eventually(t, "lists have rows", func() bool {
			_, text := r.daemons[0].Get("/api/v1/subjects?rule=clicks&min_progress=1")
			return strings.Contains(text, `"subject"`)
		})
		r.reload(0, false)
		for r.packs[0] != 0 { // from live to shadow
			r.reload(0, false)
		}
		if line := r.daemons[0].Log.String(); !strings.Contains(line, `"changed":["clicks: shadow: false -> true"]`) || !strings.Contains(line, `"episodes_left_open":["clicks: `) {
			t.Error("no line counts the episodes that stay open")
		}
	})
	r.check()
}

// TestCheckOver: check says which subjects are over limits that are not in force yet.
func TestCheckOver(t *testing.T) {
	redis := servers.Redis(t, servers.RedisOptions{})
	const pack = `pack: own
measures: {clicks: {sum: count, types: [click]}}
rules:
  - {id: clicks, title: t, cite: c, by: incident, window: 730d, step: 1d, limits: {clicks: 100}}
`
	s := newSite(t, servers.SharedKafka(t), siteOptions{partitions: 1, redis: redis.Addr(), pack: pack, made: true})
	d := s.start("aggregator")
	d.AwaitReady()
	for i, x := range []struct {
		incident string
		clicks   int
	}{{"A", 60}, {"B", 50}, {"C", 45}, {"D", 30}, {"E", 120}} {
		s.produce(&kgo.Record{Value: fmt.Appendf(nil, `{"id":"e%d","time":%q,"type":"click","incident":%q,"count":%d}`, i, time.Now().UTC().Format(time.RFC3339Nano), x.incident, x.clicks)})
	}
	s.awaitDone()
	eventually(t, "all are listed", func() bool {
		_, text := d.Get("/api/v1/subjects")
		return strings.Count(text, `"subject"`) == 5
	})
	next := servers.WriteFile(t, "next.yaml", strings.Replace(pack, "{clicks: 100}", "{clicks: 50}", 1))
	old := servers.WriteFile(t, "old.yaml", pack)
	call(t, "", nil, "check", "-config", s.config, "-rules", next, "-against", old, "-live").mustPrint(t, exitFine,
		"limits.clicks: 100 -> 50\n",
		"over     clicks: subjects over the limit now: 3, of which announced: 1; below it, with a level that was not announced: 1\n"+
			"           incident/E: 2.4\n           incident/A: 1.2\n           incident/B: 1\n")
	hash := hashOf(pack)
	call(t, "", nil, "check", "-config", s.config, "-rules", next, "-against", hash[:12]).mustPrint(t, exitFine, "limits.clicks: 100 -> 50\n")
	d.Stop()
}
