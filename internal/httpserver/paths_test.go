package httpserver

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// TestPlainPaths: nobody who asks the API is sent to another path.
func TestPlainPaths(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/api/", func(http.ResponseWriter, *http.Request) {})
	for _, debug := range []bool{false, true} {
		h := Auth{Debug: debug}.handler(mux, NewMetrics(prometheus.NewRegistry()), false)
		f := func(method, path string, status int) {
			t.Helper()
			r, w := httptest.NewRequest(method, path, http.NoBody), httptest.NewRecorder()
			h.ServeHTTP(w, r)
			problem := w.Header().Get("Content-Type") == problemType && w.Header().Get("Cache-Control") == "no-store"
			if w.Code != status || problem != (status >= 400) || (w.Header().Get("Allow") != "") != (status == 405) {
				t.Errorf("%s %s: %d %v", method, path, w.Code, w.Header())
			}
			if status == 404 && !strings.Contains(w.Body.String(), "/api/v1/subject?by=") {
				t.Errorf("%s: %s", path, w.Body)
			}
		}
		for _, path := range []string{
			"/api", "/api/v1/subjects/incident/a//b", "/api/v1/subjects/incident/..", "/api/v1/subjects/incident/.", "/api/v1/crossings//", "/api/../metrics", "//api/v1/status", "/x/../api/v1/status",
		} {
			f("GET", path, 404)
			f("POST", path, 405)
		}
		for _, path := range []string{
			"/api/", "/api/v1/status", "/api/v1/subjects/incident/a%2F%2Fb", "/api/v1/subjects/incident/%2e%2e", "/api/v1/subjects/incident/", "/api/v1/subjects/incident/a..b?x=//", "/apis", "/x",
		} {
			f("GET", path, 200)
		}
	}
	r, w := httptest.NewRequest("GET", "/x//y", http.NoBody), httptest.NewRecorder()
	Auth{}.handler(mux, NewMetrics(prometheus.NewRegistry()), false).ServeHTTP(w, r)
	if w.Code/100 != 3 {
		t.Errorf("a page: %d", w.Code)
	}
}
