package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// TestReloadDue: what a lower limit leaves to announce is in status, in rows and in the metric until its next event. What a rule that is taken
// out has left open is counted.
func TestReloadDue(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	r := startReloading(t, "reload: true,")
	click := func(incident string, count int) {
		produce(t, r.addr, "dissemination-events", fmt.Sprintf(`{"id":"%s-%d","time":%q,"type":"click","incident":%q,"count":%d}`,
			incident, count, time.Now().UTC().Format(time.RFC3339), incident, count))
	}
	has := func(path string, want ...string) {
		t.Helper()
		servers.Await(t, limit, 50*time.Millisecond, fmt.Sprintf("%s says %q", path, want), func() bool {
			text := r.get(path)
			for _, w := range want {
				if !strings.Contains(text, w) {
					return false
				}
			}
			return true
		})
	}
	click("over", 60)  // of 50: announced
	click("under", 30) // not
	has("/api/v1/subjects", `"subject":"over"`, `"subject":"under"`)
	has("/api/v1/status", `"unannounced":{}`)

	r.write("own.yaml", fmt.Sprintf(reloadedPack, 25, 25))
	if status, text := r.post(); status != http.StatusOK || !strings.Contains(text, `"changed":[{"rule":"clicks","pack":"own","changes":[{"key":"limits.clicks","old":"50","new":"25"}]}]`) || strings.Contains(text, `"open"`) {
		t.Errorf("%d %s", status, text)
	}
	has("/api/v1/status", `"unannounced":{"clicks":1}`)
	has("/metrics", `aggregator_subjects_unannounced{rule="clicks"} 1`)
	has("/api/v1/subjects", `"pending":1`)
	if s := call("", nil, "status", "-addr", r.site); s.code != exitFine || !strings.Contains(s.out, "announced with their next event: 1 of clicks\n") {
		t.Errorf("%+v", s)
	}
	click("under", 1)
	has("/api/v1/crossings", `clicks/incident/under/1/1"`)

	r.write("own.yaml", strings.Replace(fmt.Sprintf(reloadedPack, 25, 25), "}}]", "}, shadow: true}]", 1))
	if status, text := r.post(); status != http.StatusOK || !strings.Contains(text, `{"key":"shadow","old":"false","new":"true"}`) || !strings.Contains(text, `"open":{"clicks":2}`) {
		t.Errorf("%d %s", status, text)
	}
	r.awaitLog("clicks: 2") // episodes_left_open
	r.stop()
	if code := r.exit(t); code != exitFine {
		t.Errorf("got %d:\n%s", code, r.err)
	}
}
