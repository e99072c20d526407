package post

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestAnswers: what each answer means.
func TestAnswers(t *testing.T) {
	f := func(status int, taken, final bool, kind string) {
		t.Helper()
		asked := 0
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			asked++
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
		}))
		defer s.Close()
		c := New(nil)
		defer c.Close()
		err := c.Do(t.Context(), s.URL, "text/plain", []byte("x"))
		if asked != 1 || (err == nil) != taken || Final(err) != final || err != nil && Kind(err) != kind {
			t.Errorf("%d: asked %d times; %v, final %v, kind %s", status, asked, err, Final(err), Kind(err))
		}
	}
	for _, status := range []int{200, 201, 202, 204} {
		f(status, true, false, "")
	}
	for _, status := range []int{400, 409, 413, 415, 422} {
		f(status, false, true, kindClient)
	}
	for _, status := range []int{401, 403, 404, 405, 410, 418} {
		f(status, false, false, kindClient)
	}
	for _, status := range []int{301, 302, 303, 307, 308} {
		f(status, false, false, kindRedirect)
	}
	f(429, false, false, kindRate)
	for _, status := range []int{500, 501, 502, 503, 504, 599} {
		f(status, false, false, kindServer)
	}
}

// TestNoAnswer: the kinds of failures without an answer. None shows the URL, which may be a secret.
func TestNoAnswer(t *testing.T) {
	c := New(nil)
	defer c.Close()
	f := func(what, url, kind string, within time.Duration) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		err := c.Do(ctx, url+"/hidden?token=hidden", "text/plain", nil)
		if err == nil || Final(err) || Kind(err) != kind || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v, kind %s", what, err, Kind(err))
		}
	}
	closed := httptest.NewServer(nil)
	closed.Close()
	f("nobody listens", closed.URL, kindNoAnswer, time.Minute)

	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = nil
	secure.StartTLS()
	defer secure.Close()
	f("an authority that is not trusted", secure.URL, kindTLS, time.Minute)
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	f("no TLS there", "https"+strings.TrimPrefix(plain.URL, "http"), kindTLS, time.Minute)

	release := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer slow.Close()
	defer close(release)
	f("slow", slow.URL, kindTimeout, 50*time.Millisecond)

	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = conn.(*net.TCPConn).SetLinger(0)
			conn.Close()
		}
	}))
	defer broken.Close()
	f("cut off", broken.URL, kindNoAnswer, time.Minute)
}

// TestTLS: the settings are used, and the server's name is checked.
func TestTLS(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	pool := s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	c := New(&tls.Config{RootCAs: pool})
	defer c.Close()
	if err := c.Do(t.Context(), s.URL, "text/plain", nil); err != nil {
		t.Error(err)
	}
	other := New(&tls.Config{RootCAs: pool, ServerName: "other.example"})
	defer other.Close()
	if err := other.Do(t.Context(), s.URL, "text/plain", nil); err == nil || Kind(err) != kindTLS {
		t.Errorf("%v", err)
	}
}

// TestReach: whatever a server answers, it is there.
func TestReach(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodHead {
			t.Error(r.Method)
		}
		w.WriteHeader(http.StatusMethodNotAllowed)
	}))
	c := New(nil)
	defer c.Close()
	if err := c.Reach(t.Context(), s.URL); err != nil {
		t.Error(err)
	}
	s.Close()
	if err := c.Reach(t.Context(), s.URL); err == nil {
		t.Error("nobody is there")
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	f := func(text string, want time.Duration) {
		t.Helper()
		if got := retryAfter(text, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	f("", 0)
	f("0", 0)
	f("120", 2*time.Minute)
	f("Mon, 30 Nov 2026 12:00:30 GMT", 30*time.Second)
	f("Mon, 30 Nov 2026 11:00:00 GMT", 0)
	f("100000", MostRetryAfter)
	f("-5", 0)
	f("soon", 0)
	if got := Pause(errors.New("x")) + Pause(&Answer{RetryAfter: time.Second}); got != time.Second {
		t.Errorf("%v", got)
	}
}

// TestText: an answer's text is shown by its beginning, without what acts on a log.
func TestText(t *testing.T) {
	if got := firstLine([]byte("  no such thing\nat line 1")); got != "no such thing" {
		t.Errorf("%q", got)
	}
	if got := firstLine([]byte(strings.Repeat("\xff", 9999))); len(got) != 1 {
		t.Errorf("%d bytes", len(got))
	}
	if got := (&Answer{Status: 503, Text: "a\x1b[2J"}).Error(); got != `the answer is 503 Service Unavailable: "a\x1b[2J"` {
		t.Error(got)
	}
	if got := Host("https://user:secret@a.example:1/secret?secret"); got != "https://a.example:1" {
		t.Error(got)
	}
}
