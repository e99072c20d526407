package web

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
)

// mostBytes is what the whole board may take, as it is served without compression.
const mostBytes = 100_000

// TestSize: the board is small, and nothing of it is empty.
func TestSize(t *testing.T) {
	total := len(page("/subjects/incident/inc-42"))
	for name, text := range served() {
		if name != pageFile {
			total += len(text)
		}
		if len(text) == 0 {
			t.Errorf("%s is empty", name)
		}
	}
	t.Logf("%d bytes", total)
	if total > mostBytes {
		t.Errorf("the board has %d bytes, %d at most", total, mostBytes)
	}
}

// TestVendored: uPlot is as its authors published it, and its license is beside it.
func TestVendored(t *testing.T) {
	sums, err := os.ReadFile("uplot/SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	want, name, _ := strings.Cut(strings.TrimSpace(string(sums)), "  ")
	text, err := os.ReadFile("static/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != want {
		t.Errorf("%s has another checksum: take it anew from npm, uplot/README says how", name)
	}
	license, err := os.ReadFile("uplot/LICENSE")
	if err != nil || !strings.Contains(string(license), "The MIT License") {
		t.Errorf("no license: %v", err)
	}
}

func get(t *testing.T, target string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	mux := http.NewServeMux()
	Register(mux)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w
}

// TestPages: each path has the page, which leads to its files from there, also behind a proxy that serves it below a path.
func TestPages(t *testing.T) {
	for path, base := range map[string]string{
		"/": "./", "/crossings?rule=x": "./", "/rules": "./", "/health": "./", "/subjects?by=incident&id=..": "./",
		"/subjects/incident/inc-42": "../../", "/subjects/incident/a%2Fb%2F..": "../../", "/subjects/content/a/b": "../../../", "/subjects/account/%3Cb%3E": "../../",
		"/subjects/content/" + strings.Repeat("a/", 128): strings.Repeat("../", 130),
	} {
		w := get(t, path)
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `src="`+base+`static/app.js"`) || strings.Contains(w.Body.String(), "{{") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		h := w.Header()
		if h.Get("Content-Security-Policy") != policy || h.Get("Content-Type") != "text/html; charset=utf-8" || h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %v", path, h)
		}
		if strings.Contains(w.Body.String(), "inc-42") {
			t.Errorf("%s: the page repeats what it was asked", path)
		}
	}
	for _, path := range []string{"/nothing", "/static/", "/static/nothing.js", "/static/app", "/index.html", "/static/page.html", "/crossings/x", "/subjects/content/" + strings.Repeat("a/", 257)} {
		if w := get(t, path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// TestFiles: each file has its type, and is not sent again to who has it.
func TestFiles(t *testing.T) {
	for name := range served() {
		if name == pageFile {
			continue
		}
		w := get(t, "/"+name)
		tag := w.Header().Get("ETag")
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") == "" || w.Header().Get("X-Content-Type-Options") != "nosniff" || len(tag) < 20 {
			t.Errorf("%s: %d %v", name, w.Code, w.Header())
		}
		if again := get(t, "/"+name, "If-None-Match", tag); again.Code != http.StatusNotModified || again.Body.Len() > 0 {
			t.Errorf("%s: %d", name, again.Code)
		}
		if !Open("/" + name) {
			t.Errorf("%s wants a token", name)
		}
	}
}

// TestOpen: pages want no token, and all that holds data does.
func TestOpen(t *testing.T) {
	for path, want := range map[string]bool{
		"/": true, "/crossings": true, "/subjects": true, "/subjects/incident/x": true, "/rules": true, "/health": true, "/static/app.js": true,
		"/metrics": false, "/api/v1/status": false, "/api": false, "": false, "/debug/pprof/": false, "/static": false, "/healthz": false,
	} {
		if got := Open(path); got != want {
			t.Errorf("%q: %v", path, got)
		}
	}
}

// TestNoMarkupFromText: nothing in the board's own files makes markup or code of a text, nor loads from elsewhere.
func TestNoMarkupFromText(t *testing.T) {
	forbidden := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(|new Function|DOMParser|createContextual|srcdoc|localStorage|\.cookie|(https?:)?//[a-z0-9]+\.[a-z]`)
	entries, err := files.ReadDir("static")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), ".min.") || strings.HasSuffix(e.Name(), ".svg") {
			continue
		}
		text, err := files.ReadFile("static/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if found := forbidden.FindString(line); found != "" && !strings.Contains(line, "http://www.w3.org/") {
				t.Errorf("static/%s:%d: %s", e.Name(), i+1, found)
			}
		}
	}
}
