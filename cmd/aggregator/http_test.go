package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
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

// fakeStore answers what it was told to, and counts how often it is asked.
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
	ready := &readiness{}
	h := newHandler(newRegistry(), ready, newLog(io.Discard, "info", "json"))
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
	ready.reached(store)
	ready.serving(fakeGroup(false))
	f("/readyz", unavailable, "not ready: kafka: group not joined\n")
	f("/readyz?verbose", unavailable, "running: ok\nkafka: group not joined\nredis: ok\nprogress: shard 3 is away\nprogress: relay 3 is away\n")
	ready.serving(fakeGroup(true))
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

	ready.drain()
	f("/readyz", unavailable, "not ready: running: draining\n")
}

func TestMetricsForms(t *testing.T) {
	h := newHandler(newRegistry(), &readiness{}, newLog(io.Discard, "info", "json"))
	f := func(accept, kind, want string) {
		t.Helper()
		w := get(h, "/metrics", "Accept", accept)
		if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), kind) || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: got %d, %s", accept, w.Code, w.Header().Get("Content-Type"))
		}
	}
	f("", "text/plain", `aggregator_build_info{goversion="go1.`)
	f("", "text/plain", "process_resident_memory_bytes")
	f("application/openmetrics-text;version=1.0.0", "application/openmetrics-text", "# EOF")
	if w := get(h, "/nothing"); w.Code != http.StatusNotFound {
		t.Errorf("got %d", w.Code)
	}
}

func TestWeb(t *testing.T) {
	noLeaks(t)
	log := newLog(t.Output(), "info", "text")
	registry := newRegistry()
	site, err := startWeb("127.0.0.1:0", gate{}, newHandler(registry, &readiness{}, log), newWebMetrics(registry), log)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := startWeb(site.addr, gate{}, nil, newWebMetrics(newRegistry()), log); err == nil || !strings.Contains(err.Error(), "http.listen") {
		t.Errorf("two listen at %s: %v", site.addr, err)
	}
	res, err := http.Get("http://" + site.addr + "/livez")
	if err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("got %v, %v", res, err)
	}
	res.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	site.stop()
	if _, err := http.Get("http://" + site.addr + "/livez"); err == nil {
		t.Error("it answers after stop")
	}
}

func TestLog(t *testing.T) {
	f := func(level, format, want string) {
		t.Helper()
		var b strings.Builder
		log := newLog(&b, level, format)
		log.Debug("low")
		log.Warn("high", "error", "x")
		if !strings.Contains(b.String(), want) || strings.Contains(b.String(), "low") != (level == "debug") {
			t.Errorf("%s, %s: got %s", level, format, b.String())
		}
	}
	f("info", "auto", `"level":"WARN","msg":"high","error":"x"}`)
	f("debug", "json", `"msg":"low"`)
	f("warn", "text", "level=WARN msg=high error=x\n")
}
