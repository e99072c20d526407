package httpserver

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// fakeService is a service that is in its group, or not.
type fakeService bool

func (fakeService) Kafka() error { return nil }

func (g fakeService) Topics() error {
	if g {
		return nil
	}
	return errors.New("events is missing")
}

func (fakeService) Packs() (string, error) { return "own 0123456789ab", nil }

func (g fakeService) Membership() (string, error) {
	if g {
		return "stands by", nil
	}
	return "", errors.New("group not joined")
}

func (g fakeService) Stalled() []string {
	if g {
		return nil
	}
	return []string{"shard 3 is away", "relay 3 is away"}
}

// fakeStore answers what the test sets, and counts how often it is asked.
type fakeStore struct {
	err   error
	asked int
}

func (s *fakeStore) Ping(context.Context) error {
	s.asked++
	return s.err
}

// get asks a handler.
func get(h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	h.ServeHTTP(w, r)
	return w
}

// metChecks are the checks that are met by the metric. All have a series.
func metChecks(t *testing.T, r *prometheus.Registry) string {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var met []string
	for _, f := range families {
		if n := len(f.GetMetric()); f.GetName() != "aggregator_ready" || n != 5 {
			t.Errorf("%d series of %s", n, f.GetName())
		}
		for _, m := range f.GetMetric() {
			if m.GetGauge().GetValue() == 1 {
				met = append(met, m.GetLabel()[0].GetValue())
			}
		}
	}
	return strings.Join(met, " ")
}

func TestReady(t *testing.T) {
	ready := &Readiness{}
	registry := prometheus.NewRegistry()
	h := NewHandler(registry, ready, slog.New(slog.DiscardHandler))
	met := func(want string) { // by the metric, in the order of the alphabet
		t.Helper()
		if got := metChecks(t, registry); got != want {
			t.Errorf("by the metric %q are met, want %q", got, want)
		}
	}
	f := func(path string, status int, want string) {
		t.Helper()
		if w := get(h, path); w.Code != status || w.Body.String() != want {
			t.Errorf("%s: got %d %q, want %d %q", path, w.Code, w.Body.String(), status, want)
		}
		for _, alive := range []string{"/livez", "/healthz"} {
			if w := get(h, alive); w.Code != http.StatusOK || w.Body.String() != "ok\n" {
				t.Errorf("%s: got %d %q", alive, w.Code, w.Body.String())
			}
		}
	}
	const unavailable = http.StatusServiceUnavailable
	// At first nothing is there.
	f("/readyz", unavailable, "not ready: kafka: not connected yet\nnot ready: redis: not connected yet\nnot ready: topics: not connected yet\n"+
		"not ready: group: group not joined\nnot ready: packs: not in force yet\n")
	f("/readyz?verbose", unavailable, "running: ok\nkafka: not connected yet\nredis: not connected yet\ntopics: not connected yet\ngroup: group not joined\npacks: not in force yet\n")
	met("")

	store := &fakeStore{}
	ready.StoreConnected(store)
	ready.ServiceStarted(fakeService(false))
	f("/readyz", unavailable, "not ready: topics: events is missing\nnot ready: group: group not joined\n")
	met("kafka packs redis")
	f("/readyz?verbose", unavailable, "running: ok\nkafka: ok\nredis: ok\ntopics: events is missing\ngroup: group not joined\npacks: ok, own 0123456789ab\nprogress: shard 3 is away\nprogress: relay 3 is away\n")
	ready.ServiceStarted(fakeService(true))
	f("/readyz", http.StatusOK, "ok\n")
	f("/readyz?verbose", http.StatusOK, "running: ok\nkafka: ok\nredis: ok\ntopics: ok\ngroup: ok, stands by\npacks: ok, own 0123456789ab\nprogress: ok\n")
	met("group kafka packs redis topics")
	if store.asked != 1 {
		t.Errorf("the store was asked %d times within a second", store.asked)
	}

	// A failure shows once the last answer is old.
	store.err = errors.New("away")
	ready.pinged = time.Time{}
	f("/readyz", unavailable, "not ready: redis: away\n")
	met("group kafka packs topics")
	store.err = nil
	ready.pinged = time.Time{}
	f("/readyz", http.StatusOK, "ok\n")

	ready.Drain()
	f("/readyz", unavailable, "not ready: running: draining\n")
}

// TestHandlerOthers: what was registered is served beside the probes, and nothing else is.
func TestHandlerOthers(t *testing.T) {
	mux := NewHandler(prometheus.NewRegistry(), &Readiness{}, slog.New(slog.DiscardHandler))
	mux.HandleFunc("GET /more", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "more\n") })
	for path, want := range map[string]int{"/more": http.StatusOK, "/metrics": http.StatusOK, "/livez": http.StatusOK, "/nothing": http.StatusNotFound} {
		if w := get(mux, path); w.Code != want {
			t.Errorf("%s: got %d, want %d", path, w.Code, want)
		}
	}
}
