package httpserver

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// TestTimeouts: all of HTTP's are set, to what docs/security.md says of them.
func TestTimeouts(t *testing.T) {
	s := newServer(http.NotFoundHandler(), testLog(t))
	page, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	f := func(got, want time.Duration, text string) {
		t.Helper()
		if got != want || !strings.Contains(strings.ReplaceAll(string(page), "\n", " "), text) {
			t.Errorf("it is %v, want %v and on the page %q", got, want, text)
		}
	}
	f(s.ReadHeaderTimeout, 5*time.Second, "A header must come within 5 s")
	f(s.ReadTimeout, 10*time.Second, "a request within 10 s")
	f(s.WriteTimeout, 30*time.Second, "An answer may take 30 s")
	f(s.IdleTimeout, time.Minute, "A connection on which nothing comes is closed after a minute")
}

// dialWithTimeouts starts a server whose timeouts are set by the test, and opens a connection to it.
func dialWithTimeouts(t *testing.T, h http.Handler, set func(*http.Server)) net.Conn {
	t.Helper()
	log := testLog(t)
	server := newServer(h, log)
	set(server)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	site := serve(l, server, log)
	t.Cleanup(site.Stop)
	return dial(t, site)
}

// TestIdleConnection: a connection that is kept alive and on which nothing more comes is closed by the server.
func TestIdleConnection(t *testing.T) {
	h, _ := newTestHandler(t)
	conn := dialWithTimeouts(t, h, func(s *http.Server) {
		s.ReadTimeout, s.ReadHeaderTimeout, s.IdleTimeout = time.Hour, time.Hour, 50*time.Millisecond // by none of the others
	})
	if _, err := io.WriteString(conn, request("/livez")); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, nil)
	if err != nil || res.StatusCode != http.StatusOK || res.Close {
		t.Fatalf("got %+v, %v", res, err)
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ReadByte(); err != io.EOF {
		t.Errorf("the idle connection: %v", err)
	}
}

// TestUnreadAnswer: who asks and does not take the answer is given up.
func TestUnreadAnswer(t *testing.T) {
	ended := make(chan struct{})
	endless := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				close(ended)
				return
			}
		}
	})
	conn := dialWithTimeouts(t, endless, func(s *http.Server) { s.WriteTimeout = 50 * time.Millisecond })
	if _, err := io.WriteString(conn, request("/")); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(limit):
		t.Error("the answer is still being written")
	}
}
