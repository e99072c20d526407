package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

const httpToken = "t0ken.of+the/test=="

// startSite serves a registry through a gate, on a port of the loopback interface.
func startSite(t *testing.T, g gate) *web {
	t.Helper()
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	log := newLog(t.Output(), "info", "text")
	registry := newRegistry()
	site, err := startWeb("127.0.0.1:0", g, newHandler(registry, &readiness{}, log), newWebMetrics(registry), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(site.stop)
	return site
}

// ask sends text on a connection of its own, and returns the first answer and a reader of the rest.
func ask(t *testing.T, site *web, text string) (*http.Response, *bufio.Reader) {
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
func dial(t *testing.T, site *web) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", site.addr)
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

// TestGate: who is let in, on a real socket.
func TestGate(t *testing.T) {
	open, closed := startSite(t, gate{}), startSite(t, gate{token: httpToken, debug: true})
	f := func(site *web, path string, status int, headers ...string) {
		t.Helper()
		res, _ := ask(t, site, request(path, headers...))
		if res == nil || res.StatusCode != status {
			t.Errorf("%s %q: got %v, want %d", path, headers, res, status)
		}
		if status == http.StatusUnauthorized && !strings.HasPrefix(res.Header.Get("WWW-Authenticate"), "Bearer ") {
			t.Errorf("%s: headers %v", path, res.Header)
		}
	}
	for _, path := range []string{"/livez", "/healthz"} {
		f(open, path, http.StatusOK)
		f(closed, path, http.StatusOK)
		f(closed, path, http.StatusOK, "Authorization: Bearer wrong")
	}
	f(closed, "/readyz", http.StatusServiceUnavailable)
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/cmdline"} {
		f(closed, path, http.StatusUnauthorized)
		f(closed, path, http.StatusUnauthorized, "Authorization: Bearer "+httpToken[1:])
		f(closed, path, http.StatusUnauthorized, "Authorization: Bearer "+httpToken+"=")
		f(closed, path, http.StatusUnauthorized, "Authorization: Bearer")
		f(closed, path, http.StatusUnauthorized, "Authorization: Basic "+httpToken)
		f(closed, path, http.StatusUnauthorized, "Authorization: "+httpToken)
		f(closed, path, http.StatusOK, "Authorization: Bearer "+httpToken)
		f(closed, path, http.StatusOK, "authorization: bearer "+httpToken)
	}
	f(closed, "/livez/../metrics", http.StatusUnauthorized)
	f(closed, "//metrics", http.StatusUnauthorized)
	f(open, "/metrics", http.StatusOK)
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline", "/debug/vars"} {
		f(open, path, http.StatusNotFound)
	}
	f(closed, "/debug/pprof/heap", http.StatusOK, "Authorization: Bearer "+httpToken)
}

// TestHTTPSizes: what is too large is refused, on a real socket.
func TestHTTPSizes(t *testing.T) {
	site := startSite(t, gate{})
	f := func(status int, text string) {
		t.Helper()
		res, _ := ask(t, site, text)
		if res == nil || res.StatusCode != status {
			t.Errorf("%.60q: got %v, want %d", text, res, status)
		}
	}
	f(http.StatusOK, request("/livez", "X: "+strings.Repeat("x", 8<<10)))
	f(http.StatusRequestHeaderFieldsTooLarge, request("/livez", "X: "+strings.Repeat("x", 64<<10)))
	f(http.StatusRequestHeaderFieldsTooLarge, request("/livez?"+strings.Repeat("x", 64<<10)))
	f(http.StatusRequestHeaderFieldsTooLarge, request("/livez", strings.Repeat("X: y\r\n", 20_000)))
	body := func(n int) string {
		return request("/livez", fmt.Sprint("Content-Length: ", n)) + strings.Repeat("x", n)
	}
	f(http.StatusOK, body(maxBody))
	f(http.StatusRequestEntityTooLarge, body(maxBody+1))
	f(http.StatusRequestEntityTooLarge, request("/livez", "Content-Length: 1000000000000"))
	f(http.StatusMethodNotAllowed, "POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx")
}

// TestBodyWithoutLength: a body that does not say how long it is ends at the bound.
func TestBodyWithoutLength(t *testing.T) {
	log := newLog(t.Output(), "info", "text")
	read := make(chan int64, 1)
	site, err := startWeb("127.0.0.1:0", gate{}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body) // ends with an error, at the bound
		read <- n
	}), newWebMetrics(newRegistry()), log)
	if err != nil {
		t.Fatal(err)
	}
	defer site.stop()
	chunk := fmt.Sprintf("%x\r\n%s\r\n", 10_000, strings.Repeat("x", 10_000))
	ask(t, site, request("/", "Transfer-Encoding: chunked")+strings.Repeat(chunk, 50)+"0\r\n\r\n")
	if n := <-read; n != maxBody {
		t.Errorf("%d bytes were read, want %d", n, maxBody)
	}
}

// TestSlowClient: who sends the header slowly, or says that a body follows and never sends it, is cut off.
func TestSlowClient(t *testing.T) {
	site := startSite(t, gate{})
	res, rest := ask(t, site, "GET /livez HTTP/1.1\r\nHost: x\r\n")
	if _, err := rest.ReadByte(); res != nil || err != io.EOF && !strings.Contains(fmt.Sprint(err), "reset") {
		t.Errorf("half a header: got %v, %v", res, err)
	}
	res, rest = ask(t, site, request("/livez", "Content-Length: 10"))
	if res == nil || res.StatusCode != http.StatusOK {
		t.Fatalf("got %v", res)
	}
	if _, err := io.Copy(io.Discard, rest); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("a body that never comes: %v", err)
	}
}

// TestLoopback: nobody but this machine is served unless the config says so.
func TestLoopback(t *testing.T) {
	host, _, err := net.SplitHostPort(defaultConfig().listen)
	if ip := net.ParseIP(host); err != nil || !ip.IsLoopback() {
		t.Errorf("the default is to listen at %s", host)
	}
	site := startSite(t, gate{})
	_, port, _ := net.SplitHostPort(site.addr)
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		ip := a.(*net.IPNet).IP
		if ip.IsLoopback() || ip.To4() == nil {
			continue
		}
		if conn, err := net.Dial("tcp", net.JoinHostPort(ip.String(), port)); err == nil {
			conn.Close()
			t.Errorf("it is served at %s, too", ip)
		}
	}
}

func TestToken(t *testing.T) {
	f := func(want, text string) {
		t.Helper()
		s := &session{err: t.Output()}
		_, bad := s.loadConfig(write(t, "c.yaml", text))
		if want == "" && bad != nil || want != "" && (len(bad) != 1 || !strings.Contains(bad[0], want)) || strings.Contains(fmt.Sprint(bad), "hunter2") {
			t.Errorf("got %q, want %q", bad, want)
		}
	}
	f("", "http: {token: "+httpToken+"}")
	f("", "http: {token_file: "+write(t, "token", httpToken+"\n")+"}")
	f("http.token: a token is 16 and more letters", "http: {token: hunter2}")
	f("http.token: a token is 16 and more letters", "http: {token: \"hunter2 hunter2 hunter2\"}")
	f("http.token_file: a token is 16 and more letters", "http: {token_file: "+write(t, "token", "hunter2")+"}")
	f("http.token_file: ", "http: {token_file: /nowhere}")
	f("is empty", "http: {token_file: "+write(t, "token", "\n")+"}")
	f("given twice", "http: {token: "+httpToken+", token_file: "+write(t, "token", httpToken)+"}")
}
