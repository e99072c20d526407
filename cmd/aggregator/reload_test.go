package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

const reloadedPack = `
pack: own
measures: {clicks: {sum: count, types: [click]}}
rules: [{id: clicks, by: incident, window: 10d, step: 1d, limits: {clicks: %d}}]
tests:
  - {name: all, events: [{type: click, incident: A, count: %d}], crossings: [{rule: clicks, subject: A, level: 0.8, at: 1}, {rule: clicks, subject: A, level: 1, at: 1}]}
`

// reloading is a service whose only packs are the files of a directory.
type reloading struct {
	*process
	t    *testing.T
	dir  string
	site string
	addr string // of Kafka
}

func startReloading(t *testing.T, keys string) *reloading {
	t.Helper()
	redis := servers.Redis(t, servers.RedisOptions{})
	addr, config := fakeKafka(t, redis.Addr(), kfake.SeedTopics(1, "dissemination-events", "dissemination-events.dlq", "threshold-crossings"))
	r := &reloading{t: t, dir: t.TempDir(), addr: addr}
	r.write("own.yaml", fmt.Sprintf(reloadedPack, 50, 50))
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	config = servers.WriteFile(t, "r.yaml", strings.Replace(string(text), "listen:", keys+" listen:", 1)+fmt.Sprintf("rules: {packs: [], files: [%q], poll: 50ms}\n", r.dir))
	r.process = start(t, nil, "run", "-config", config)
	r.site = r.process.site(t)
	await(t, r.site+"/readyz", http.StatusOK)
	return r
}

// write writes a file of a pack as a mounted ConfigMap is written: under another name first.
func (r *reloading) write(name, text string) {
	r.t.Helper()
	draft := filepath.Join(r.dir, ".draft")
	if err := os.WriteFile(draft, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Rename(draft, filepath.Join(r.dir, name)); err != nil {
		r.t.Fatal(err)
	}
}

// post asks for a reload.
func (r *reloading) post() (status int, text string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.site+"/-/reload", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// get is what a path answers.
func (r *reloading) get(path string) string {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.site+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(b)
}

// awaitLog waits until a line has a text.
func (r *reloading) awaitLog(text string) {
	r.t.Helper()
	r.err.Await(r.t, limit, text, func(log string) bool { return strings.Contains(log, text) })
}

// TestReloadRules: packs that change are in force soon, and those with faults are not, which is said everywhere.
func TestReloadRules(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	r := startReloading(t, "reload: true,")
	if status, text := r.post(); status != http.StatusOK || text != `{"added":[],"removed":[],"changed":[],"counters":[]}` {
		t.Errorf("nothing changed: %d %s", status, text)
	}
	r.write("own.yaml", fmt.Sprintf(reloadedPack, 40, 40))
	r.awaitLog("clicks: limits.clicks: 50 -> 40")
	r.write("own.yaml", fmt.Sprintf(reloadedPack, 30, 20))
	r.awaitLog("rules have faults: those of before stay in force")
	if status, text := r.post(); status != http.StatusUnprocessableEntity || !strings.Contains(text, `"faults":["`) || !strings.Contains(text, "own.yaml:6:") {
		t.Errorf("a test that fails: %d %s", status, text)
	}
	if text := r.get("/readyz?verbose"); !strings.Contains(text, "own.yaml:6:") {
		t.Errorf("ready: %s", text)
	}
	if text := r.get("/metrics"); !strings.Contains(text, "aggregator_rules_last_reload_successful 0") {
		t.Error("the metric says that all is well")
	}
	status := func() *string {
		var s struct{ Rules struct{ Error *string } }
		if err := json.Unmarshal([]byte(r.get("/api/v1/status")), &s); err != nil {
			t.Fatal(err)
		}
		return s.Rules.Error
	}
	servers.Await(t, limit, 20*time.Millisecond, "status", func() bool { e := status(); return e != nil && strings.Contains(*e, "own.yaml:6:") })
	r.write("own.yaml", fmt.Sprintf(reloadedPack, 30, 30))
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil { // this process takes it for the command
		t.Fatal(err)
	}
	r.awaitLog("clicks: limits.clicks: 40 -> 30")
	servers.Await(t, limit, 20*time.Millisecond, "status", func() bool { return status() == nil })
	if err := os.Remove(filepath.Join(r.dir, "own.yaml")); err != nil {
		t.Fatal(err)
	}
	r.awaitLog("no file in it ends in .yaml or .yml")
	r.stop()
	if code := r.exit(t); code != exitFine {
		t.Errorf("got %d:\n%s", code, r.err)
	}
}

// TestReloadHTTP: only a POST reloads, and only where that is allowed.
func TestReloadHTTP(t *testing.T) {
	f := func(method string, allowed bool, want int) {
		t.Helper()
		w := httptest.NewRecorder()
		(&reloader{}).handler(allowed).ServeHTTP(w, httptest.NewRequest(method, "/-/reload", nil))
		if w.Code != want {
			t.Errorf("%s: %d, want %d", method, w.Code, want)
		}
	}
	f(http.MethodPost, false, http.StatusNotFound)
	f(http.MethodGet, false, http.StatusNotFound)
	f(http.MethodGet, true, http.StatusMethodNotAllowed)
}

// TestPackFiles: which files an item of rules.files names.
func TestPackFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.yaml", "a.yml", ".hidden.yaml", "c.txt", "sub.yaml/x.yaml"} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := func(item, want string) {
		t.Helper()
		names, err := packFiles(filepath.Join(dir, item))
		for i := range names {
			names[i], _ = filepath.Rel(dir, names[i])
		}
		if got := strings.Join(names, " "); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %s, %v; want %s", item, got, err, want)
		}
	}
	f("", "a.yml b.yaml")
	f("c.txt", "c.txt")
	f("*.yaml", "b.yaml")
	f("[ab].*", "a.yml b.yaml")
	f("x*", "")
	f("x.yaml", "")
	f("[", "")
}
