package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/httpserver"
)

// TestMetricsForms: the registry of the program, as it is served.
func TestMetricsForms(t *testing.T) {
	h := httpserver.NewHandler(newRegistry(), &httpserver.Readiness{}, newLog(io.Discard, "info", "json"))
	f := func(accept, kind, want string) {
		t.Helper()
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.Header.Set("Accept", accept)
		h.ServeHTTP(w, r)
		if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), kind) || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: got %d, %s", accept, w.Code, w.Header().Get("Content-Type"))
		}
	}
	f("", "text/plain", `aggregator_build_info{goversion="go1.`)
	f("", "text/plain", "process_resident_memory_bytes")
	f("application/openmetrics-text;version=1.0.0", "application/openmetrics-text", "# EOF")
}

// TestLinkedVersion: what the linker was told is what the program says, and nothing else.
func TestLinkedVersion(t *testing.T) {
	defer func() { version, revision = "", "" }()
	f := func(linkedVersion, linkedRevision string, want build) {
		t.Helper()
		version, revision = linkedVersion, linkedRevision
		if got := readBuild(); got != want {
			t.Errorf("linked with %q %q: got %v, want %v", linkedVersion, linkedRevision, got, want)
		}
	}
	f("v1.2.3", "0123456", build{"v1.2.3", "0123456"})
	f("v1.2.3", "", build{"v1.2.3", "unknown"})
	f("", "", build{"(devel)", "unknown"}) // as the go command builds tests
}
