package httpserver

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// TestAuth: who is let in, on a real socket.
func TestAuth(t *testing.T) {
	open, closed := startSite(t, Auth{}), startSite(t, Auth{Token: httpToken, Debug: true})
	f := func(site *Server, path string, status int, headers ...string) {
		t.Helper()
		res, _ := ask(t, site, request(path, headers...))
		if res == nil || res.StatusCode != status {
			t.Errorf("%s %q: got %v, want %d", path, headers, res, status)
		}
		if status == http.StatusUnauthorized && !strings.HasPrefix(res.Header.Get("WWW-Authenticate"), "Bearer ") {
			t.Errorf("%s: headers %v", path, res.Header)
		}
	}
	for _, path := range []string{"/livez", "/healthz"} {
		f(open, path, http.StatusOK)
		f(closed, path, http.StatusOK)
		f(closed, path, http.StatusOK, "Authorization: Bearer wrong")
	}
	f(closed, "/readyz", http.StatusServiceUnavailable)
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/cmdline"} {
		f(closed, path, http.StatusUnauthorized)
		f(closed, path, http.StatusUnauthorized, "Authorization: Bearer "+httpToken[1:])
		f(closed, path, http.StatusUnauthorized, "Authorization: Bearer "+httpToken+"=")
		f(closed, path, http.StatusUnauthorized, "Authorization: Bearer")
		f(closed, path, http.StatusUnauthorized, "Authorization: Basic "+httpToken)
		f(closed, path, http.StatusUnauthorized, "Authorization: "+httpToken)
		f(closed, path, http.StatusOK, "Authorization: Bearer "+httpToken)
		f(closed, path, http.StatusOK, "authorization: bearer "+httpToken)
	}
	f(closed, "/livez/../metrics", http.StatusUnauthorized)
	pages := startSite(t, Auth{Token: httpToken, Open: func(path string) bool { return path == "/page" }})
	f(pages, "/page", http.StatusNotFound) // which nobody serves here
	f(pages, "/page/", http.StatusUnauthorized)
	f(pages, "/livez", http.StatusOK)
	f(pages, "/metrics", http.StatusUnauthorized)
	f(closed, "//metrics", http.StatusUnauthorized)
	f(open, "/metrics", http.StatusOK)
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline", "/debug/vars"} {
		f(open, path, http.StatusNotFound)
	}
	f(closed, "/debug/pprof/heap", http.StatusOK, "Authorization: Bearer "+httpToken)
}

// TestWrongTokens: they are counted and wait, a few at a time, and never the right one.
func TestWrongTokens(t *testing.T) {
	site := startSite(t, Auth{Token: httpToken, Pause: time.Hour})
	wrong := request("/metrics", "Authorization: Bearer wrong")
	for range pausesAtOnce {
		if _, err := io.WriteString(dial(t, site), wrong); err != nil {
			t.Fatal(err)
		}
	}
	right := func() string {
		_, text := ask(t, site, request("/metrics", "Authorization: Bearer "+httpToken, "Connection: close"))
		return rest(t, text)
	}
	if !servers.Within(limit, 10*time.Millisecond, func() bool {
		return strings.Contains(right(), fmt.Sprintf(`aggregator_http_refused_total{reason="token"} %d`, pausesAtOnce))
	}) {
		t.Error("wrong tokens are not counted")
	}
	// All places are taken: the next is answered at once, and has to connect again.
	if res, _ := ask(t, site, wrong); res == nil || res.StatusCode != http.StatusUnauthorized || !res.Close {
		t.Errorf("got %v", res)
	}
	if res, _ := ask(t, site, request("/metrics")); res == nil || res.StatusCode != http.StatusUnauthorized || res.Close {
		t.Errorf("no token: got %v", res)
	}
	if !strings.Contains(right(), `aggregator_http_refused_total{reason="no-token"} 1`) {
		t.Error("a request without token is not counted")
	}
}

// TestWrongTokenPause: it is as long as Auth says.
func TestWrongTokenPause(t *testing.T) {
	site := startSite(t, Auth{Token: httpToken, Pause: 300 * time.Millisecond})
	began := time.Now()
	res, _ := ask(t, site, request("/metrics", "Authorization: Bearer wrong"))
	if took := time.Since(began); res == nil || res.StatusCode != http.StatusUnauthorized || took < 300*time.Millisecond {
		t.Errorf("got %v after %v", res, took)
	}
}

// TestDenied: who asks the API is told as the API tells, everybody else by a line.
func TestDenied(t *testing.T) {
	inner := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it is let through") })
	m := NewMetrics(prometheus.NewRegistry())
	f := func(path, host, token string, status int, kind string) {
		t.Helper()
		r, w := httptest.NewRequest(http.MethodGet, path, http.NoBody), httptest.NewRecorder()
		r.Host = host
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		Auth{Token: "the right token, long"}.handler(inner, m, true).ServeHTTP(w, r)
		if got := w.Header().Get("Content-Type"); w.Code != status || got != kind || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s at %s: %d %s", path, host, w.Code, got)
		}
		if kind == problemType && !strings.HasPrefix(w.Body.String(), fmt.Sprintf(`{"type":"about:blank","title":%q,"status":%d,"detail":"`, http.StatusText(status), status)) {
			t.Errorf("%s: %s", path, w.Body)
		}
	}
	const line = "text/plain; charset=utf-8"
	f("/api/v1/status", "localhost", "", 401, problemType)
	f("/api/v1/stream", "localhost", "a wrong token, long", 401, problemType)
	f("/api/v1/status", "evil.example", "", 421, problemType)
	f("/api/v1/status", "127.0.0.1.evil.example:8080", "the right token, long", 421, problemType)
	f("/metrics", "localhost", "", 401, line)
	f("/apiary", "evil.example", "", 421, line)
}
