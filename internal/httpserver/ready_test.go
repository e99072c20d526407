package httpserver

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type fakeGroup bool

func (g fakeGroup) Membership() (string, error) {
	if g {
		return "stands by", nil
	}
	return "", errors.New("group not joined")
}

func (g fakeGroup) Stalled() []string {
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

func TestReady(t *testing.T) {
	ready := &Readiness{}
	h := NewHandler(prometheus.NewRegistry(), ready, slog.New(slog.DiscardHandler))
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
	f("/readyz", unavailable, "not ready: kafka: group not joined\nnot ready: redis: not connected yet\n")
	f("/readyz?verbose", unavailable, "running: ok\nkafka: group not joined\nredis: not connected yet\n")

	store := &fakeStore{}
	ready.StoreConnected(store)
	ready.ServiceStarted(fakeGroup(false))
	f("/readyz", unavailable, "not ready: kafka: group not joined\n")
	f("/readyz?verbose", unavailable, "running: ok\nkafka: group not joined\nredis: ok\nprogress: shard 3 is away\nprogress: relay 3 is away\n")
	ready.ServiceStarted(fakeGroup(true))
	f("/readyz", http.StatusOK, "ok\n")
	f("/readyz?verbose", http.StatusOK, "running: ok\nkafka: ok, stands by\nredis: ok\nprogress: ok\n")
	if store.asked != 1 {
		t.Errorf("the store was asked %d times within a second", store.asked)
	}

	// A failure shows once the last answer is old.
	store.err = errors.New("away")
	ready.pinged = time.Time{}
	f("/readyz", unavailable, "not ready: redis: away\n")
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
