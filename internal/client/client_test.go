package client

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/client/clienttest"
)

func newClient(t *testing.T, addr, token string) *Client {
	t.Helper()
	c, err := New(addr, token)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestAddress(t *testing.T) {
	f := func(addr, want string) {
		t.Helper()
		c, err := New(addr, "")
		if err != nil && want == "" {
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: it is shown: %v", addr, err)
			}
			return
		}
		if err != nil || c.String() != want {
			t.Errorf("%s: got %v, %v, want %s", addr, c, err, want)
		}
	}
	f("127.0.0.1:8080", "http://127.0.0.1:8080")
	f(":8080", "http://127.0.0.1:8080")
	f("[::1]:8080", "http://[::1]:8080")
	f("counts.example", "http://counts.example")
	f("https://intranet.example/counts/", "https://intranet.example/counts")
	for _, bad := range []string{"", "ftp://x", "http://", "http://a:secret@x", "http://x?token=secret", "http://x#secret", "a b", "http://x:secret"} {
		f(bad, "")
	}
}

// TestErrors: each way in which there is no answer says what can be done.
func TestErrors(t *testing.T) {
	f := func(c *Client, want string) {
		t.Helper()
		_, err := c.Status(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	answering := func(status int, header http.Header, text string) *Client {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for name, values := range header {
				w.Header()[name] = values
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
		}))
		t.Cleanup(s.Close)
		return newClient(t, s.URL, "the-token-0123456")
	}
	html, js := http.Header{"Content-Type": {"text/html; charset=utf-8"}}, http.Header{"Content-Type": {"application/json"}}
	f(answering(200, html, "<html>"), "is no aggregator, or one without an API (200 text/html)")
	f(answering(404, html, "<html>"), "is no aggregator, or one without an API (404 text/html)")
	f(answering(502, html, "<html>"), "a proxy answers at http://127.0.0.1")
	f(answering(302, http.Header{"Location": {"https://login.example/x?secret"}}, ""), "sends everybody to https://login.example, and is not followed there")
	f(answering(200, js, "{"), "is none of this API: unexpected end of JSON input")
	f(answering(200, js, `{"partitions":7}`), "is none of this API")

	s := clienttest.New(t)
	s.Set(func(a *clienttest.Answers) { a.Token = "the-token-0123456" })
	f(newClient(t, s.URL, ""), "wants a token: name the file that holds it by -token-file, or the service's config by -config")
	f(newClient(t, s.URL, "another-0123456789"), "refuses the token: it wants the one of its http.token")
	refuse := func(status, after int, detail string) *Client {
		s.Set(func(a *clienttest.Answers) {
			a.Token, a.Refusal = "", &clienttest.Refusal{Status: status, Detail: detail, After: after}
		})
		return newClient(t, s.URL, "")
	}
	f(refuse(421, 0, "the host asked for is not one of this server"), "does not go by the name 127.0.0.1: put it into http.hosts or http.external_url")
	f(refuse(503, 5, "redis: connection refused"), "redis: connection refused; ask again in 5s")
	s.Set(func(a *clienttest.Answers) { a.Refusal = nil })
	if _, err := newClient(t, s.URL, "").Status(t.Context()); err != nil {
		t.Error(err)
	}

	f(newClient(t, strings.Replace(s.URL, "http:", "https:", 1), ""), "speaks no TLS: write http:// in place of https://")
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = nil
	secure.StartTLS()
	defer secure.Close()
	f(newClient(t, secure.URL, ""), "shows a certificate that is not trusted")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "SSH-2.0\r\n\r\n")
			_, _ = io.Copy(io.Discard, conn) // until the client ends it: an end of ours would be told in its place
			conn.Close()
		}
	}()
	f(newClient(t, l.Addr().String(), ""), "speaks no HTTP")
	l.Close()
	f(newClient(t, l.Addr().String(), ""), "nothing listens at http://127.0.0.1:")
	f(newClient(t, "nowhere.invalid:1", ""), "nowhere.invalid")
	ctx, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	if _, err := newClient(t, s.URL, "").Status(ctx); err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("got %v", err)
	}
}

// TestPages: lists are read page by page, no further than is asked for.
func TestPages(t *testing.T) {
	s := clienttest.New(t)
	s.Set(func(a *clienttest.Answers) {
		a.Rows = nil
		for i := range 2_500 {
			a.Rows = append(a.Rows, clienttest.Row("art3-clicks", fmt.Sprint(i), 0.5, 0, nil, nil, clienttest.Object{"clicks": clienttest.Measured(25_000, 50_000)}))
		}
	})
	c := newClient(t, s.URL, "")
	f := func(most, want, pages int) {
		t.Helper()
		before := s.Lists()
		rows, err := c.Nearest(t.Context(), Nearest{}, most)
		if err != nil || len(rows) != want || s.Lists()-before != pages {
			t.Fatalf("%d: got %d rows, %d pages, %v", most, len(rows), s.Lists()-before, err)
		}
		for i := range rows {
			if rows[i].Value.Subject != fmt.Sprint(i) || !strings.Contains(string(rows[i].JSON), `"subject":"`+fmt.Sprint(i)+`"`) {
				t.Fatalf("row %d is %s", i, rows[i].JSON)
			}
		}
	}
	f(3, 3, 1)
	f(1_000, 1_000, 1)
	f(1_001, 1_001, 2)
	f(2_500, 2_500, 3)
	f(9_999, 2_500, 3)
	f(0, 2_500, 3)
}

// TestNow: the time is the server's, as far as its answers tell it.
func TestNow(t *testing.T) {
	f := func(ahead time.Duration, want time.Duration) {
		t.Helper()
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, "{}")
		}))
		defer s.Close()
		c := newClient(t, s.URL, "")
		if _, err := c.Status(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := time.Until(c.Now()); (got - want).Abs() > 30*time.Second {
			t.Errorf("%v ahead: got %v", ahead, got)
		}
	}
	f(time.Hour, time.Hour)
	f(-time.Hour, -time.Hour)
	f(0, 0)
}

func TestUnready(t *testing.T) {
	s := clienttest.New(t)
	c := newClient(t, s.URL, "")
	f := func(ready, wrong, notes string) {
		t.Helper()
		s.Set(func(a *clienttest.Answers) { a.Ready = ready })
		gotWrong, gotNotes, err := c.Unready(t.Context())
		if err != nil || strings.Join(gotWrong, "|") != wrong || strings.Join(gotNotes, "|") != notes {
			t.Errorf("%q: got %q, %q, %v", ready, gotWrong, gotNotes, err)
		}
	}
	f("running: ok\nkafka: ok\n", "", "")
	f("running: ok\npacks: ok, own 93fac9764f01\n", "", "")
	f("running: ok\ngroup: ok, b has nothing\npacks: ok, own 93fac9764f01; other processes have others: b own 1\n", "", "group: b has nothing|packs: other processes have others: b own 1")
	f("running: draining\nkafka: no broker answers\nprogress: shard 3 stands still\n", "running: draining|kafka: no broker answers|progress: shard 3 stands still", "")
}
