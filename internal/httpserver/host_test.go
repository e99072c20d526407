package httpserver

import (
	"net/http"
	"strings"
	"testing"
)

// TestHost: where it listens on loopback it answers to its own names alone, on a real socket.
func TestHost(t *testing.T) {
	site := startSite(t, Auth{ExternalURL: "https://Board.example:8443/counts", Hosts: []string{"proxy.example", "192.0.2.7"}})
	f := func(status int, host string) {
		t.Helper()
		for _, path := range []string{"/livez", "/metrics"} {
			res, _ := ask(t, site, "GET "+path+" HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
			if res == nil || res.StatusCode != status {
				t.Errorf("%s of %q: got %v, want %d", path, host, res, status)
			}
		}
	}
	for _, host := range []string{
		"localhost", "LocalHost:8080", "localhost.", "a.localhost:1", "127.0.0.1", site.Addr, "127.8.9.1:5", "[::1]", "[::1]:8080",
		"board.example", "board.example:80", "proxy.example:8080", "PROXY.example.", "192.0.2.7", "",
	} {
		f(http.StatusOK, host)
	}
	for _, host := range []string{
		"evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "notlocalhost", "10.0.0.1:8080", "[::2]:80", "0.0.0.0", "board.example.evil", "sub.board.example",
	} {
		f(http.StatusMisdirectedRequest, host)
	}
	// The request's own line wins over the header.
	if res, _ := ask(t, site, "GET http://evil.example/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"); res == nil || res.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("got %v", res)
	}
	// HTTP/1.0 need not name a host; no browser speaks it.
	if res, _ := ask(t, site, "GET /livez HTTP/1.0\r\n\r\n"); res == nil || res.StatusCode != http.StatusOK {
		t.Errorf("got %v", res)
	}
	if _, text := ask(t, site, request("/metrics", "Connection: close")); !strings.Contains(rest(t, text), `aggregator_http_refused_total{reason="host"} 19`) {
		t.Error("what was refused is not counted")
	}
}

// TestHostElsewhere: who listens for others answers to any name.
func TestHostElsewhere(t *testing.T) {
	handler, m := newTestHandler(t)
	h := Auth{}.handler(handler, m, false)
	if w := get(h, "http://any.example/livez"); w.Code != http.StatusOK {
		t.Errorf("got %d", w.Code)
	}
}

// TestOrigin: another site's page changes nothing.
func TestOrigin(t *testing.T) {
	site := startSite(t, Auth{ExternalURL: "https://board.example"})
	f := func(status int, headers ...string) {
		t.Helper()
		text := strings.Replace(request("/livez", append(headers, "Content-Length: 0")...), "GET", "POST", 1)
		if res, _ := ask(t, site, text); res == nil || res.StatusCode != status {
			t.Errorf("%q: got %v, want %d", headers, res, status)
		}
	}
	f(http.StatusForbidden, "Origin: https://evil.example")
	f(http.StatusForbidden, "Origin: null")
	f(http.StatusForbidden, "Sec-Fetch-Site: cross-site")
	// Nothing takes a POST so far.
	f(http.StatusMethodNotAllowed)
	f(http.StatusMethodNotAllowed, "Origin: http://localhost")
	f(http.StatusMethodNotAllowed, "Origin: https://board.example")
}
