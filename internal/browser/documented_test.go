package browser

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/api/apitest"
)

// TestFake: what the fake answers is what the API may answer.
func TestFake(t *testing.T) {
	f := newFake(t)
	ask := func(path string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.url+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		apitest.CheckAnswer(t, req, res)
	}
	lists := []string{"/api/v1/status", "/api/v1/rules", "/api/v1/subjects", "/api/v1/crossings", "/api/v1/packs/" + strings.Repeat("9ccd73d1", 8)}
	for _, path := range lists {
		ask(path)
	}
	f.fill()
	for _, path := range append(lists, "/api/v1/subject?by=incident&id=nobody", "/api/v1/crossing?id="+url.QueryEscape("art3-clicks/incident/inc-42/1/1")) {
		ask(path)
	}
	for _, row := range f.rows {
		ask("/api/v1/subject?by=" + row["by"].(string) + "&id=" + url.QueryEscape(row["subject"].(string)))
	}
	f.away = "redis: connection refused"
	ask("/api/v1/rules")
}
