package httpserver

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// limit is how long a test waits for anything. Nothing comes near it that works.
const limit = 60 * time.Second

const httpToken = "t0ken.of+the/test=="

// testLog writes to the test's output.
func testLog(t *testing.T) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }

// newTestHandler serves the probes of a process that is not ready, and the metrics of the server itself.
func newTestHandler(t *testing.T) (http.Handler, *Metrics) {
	t.Helper()
	registry := prometheus.NewRegistry()
	m := NewMetrics(registry)
	return NewHandler(registry, &Readiness{}, testLog(t)), m
}

// startSite serves a registry through the given Auth, on a port of the loopback interface.
func startSite(t *testing.T, a Auth) *Server {
	t.Helper()
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	handler, m := newTestHandler(t)
	site, err := Start("127.0.0.1:0", a, handler, m, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(site.Stop)
	return site
}

// ask sends text on a connection of its own, and returns the first answer and a reader of the rest.
func ask(t *testing.T, site *Server, text string) (*http.Response, *bufio.Reader) {
	t.Helper()
	conn := dial(t, site)
	// The server may have answered and hung up before it has read all.
	_, _ = io.WriteString(conn, text)
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		return nil, r
	}
	return res, r
}

// dial opens a connection, which ends with the test or at the limit.
func dial(t *testing.T, site *Server) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", site.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(limit)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func request(path string, headers ...string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + strings.Join(append(headers, ""), "\r\n") + "\r\n"
}

// rest is all that still comes on a connection.
func rest(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	var b strings.Builder
	if _, err := io.Copy(&b, io.LimitReader(r, 1<<20)); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Fatal(err)
	}
	return b.String()
}
