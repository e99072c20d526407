package board

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzAPI: whatever is asked for, there is an answer, which is JSON that can be shown, and as documented.
func FuzzAPI(f *testing.F) {
	for _, seed := range []struct{ path, query string }{
		{"status", ""},
		{"rules", "limit=1&after=eyJyIjoiY2xpY2tzIn0"},
		{"subjects", "by=incident&rule=clicks&min_progress=0.33333&max_progress=2&since=2026-01-01T00:00:00%2B08:00"},
		{"subjects/incident/A", ""},
		{"subjects/incident/%2e%2e", ""},
		{"subject", "by=group&id=.."},
		{"crossings", "status=crossed&shadow=false&subject=%ff"},
		{"crossings/clicks%2Fincident%2FA%2F1%2F0.5", ""},
		{"crossing", "id=%00"},
		{"openapi.json", "x=1"},
		{"packs/%ff", ""},
		{"", "a;b"},
		{"crossings", "after=eyJ0IjoxLCJwIjowLCJvIjowfQ"},
		{"crossings", "after=bnVsbA"},
		{"subjects", "min_progress=99999999999999"},
		{"crossings", "since=0000-01-01T00:00:00Z"},
		{"crossings", "since=9999-12-31T23:59:59.999999999-14:00"},
	} {
		f.Add(seed.path, seed.query)
	}
	var s *site
	f.Fuzz(func(t *testing.T, path, query string) {
		if s == nil {
			s = newSite(t)
			s.cross(0, 0, time.UnixMilli(1), s.record("clicks", "A", 5000, 1))
		}
		s.tail.Took(0) // the topic is read again
		target, err := url.ParseRequestURI("/api/v1/" + path + "?" + query)
		if err != nil || strings.HasPrefix(path, "stream") {
			return
		}
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.URL = target
		mux, w := http.NewServeMux(), httptest.NewRecorder()
		s.Register(mux)
		mux.ServeHTTP(w, r)
		if w.Code >= 300 && w.Code < 400 {
			return // to the same path in its plain form
		}
		body := w.Body.Bytes()
		if !json.Valid(body) || !utf8.Valid(body) {
			t.Errorf("%d: %q is no JSON", w.Code, body)
		}
		if w.Code != 200 && w.Code != 400 && w.Code != 404 {
			t.Errorf("status %d: %s", w.Code, body)
		}
		if i := strings.IndexFunc(string(body), func(c rune) bool { return c < ' ' && c != '\n' || c == '\x7f' || c == '\u202e' }); i >= 0 {
			t.Errorf("the answer has %q", body[i])
		}
		documented(t, r, w.Result())
	})
}
