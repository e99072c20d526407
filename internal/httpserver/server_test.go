package httpserver

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
)

func TestStartAndStop(t *testing.T) {
	before := goleak.IgnoreCurrent()
	defer goleak.VerifyNone(t, before)
	log := testLog(t)
	handler, m := newTestHandler(t)
	site, err := Start("127.0.0.1:0", Auth{}, handler, m, log)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Start(site.Addr, Auth{}, nil, NewMetrics(prometheus.NewRegistry()), log); err == nil || !strings.Contains(err.Error(), "http.listen") {
		t.Errorf("two listen at %s: %v", site.Addr, err)
	}
	res, err := http.Get("http://" + site.Addr + "/livez")
	if err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("got %v, %v", res, err)
	}
	res.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	site.Stop()
	if _, err := http.Get("http://" + site.Addr + "/livez"); err == nil {
		t.Error("it answers after stop")
	}
}

// TestHTTPSizes: what is too large is refused, on a real socket.
func TestHTTPSizes(t *testing.T) {
	site := startSite(t, Auth{})
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
	read := make(chan int64, 1)
	site, err := Start("127.0.0.1:0", Auth{}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body) // ends with an error, at the bound
		read <- n
	}), NewMetrics(prometheus.NewRegistry()), testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	defer site.Stop()
	chunk := fmt.Sprintf("%x\r\n%s\r\n", 10_000, strings.Repeat("x", 10_000))
	ask(t, site, request("/", "Transfer-Encoding: chunked")+strings.Repeat(chunk, 50)+"0\r\n\r\n")
	if n := <-read; n != maxBody {
		t.Errorf("%d bytes were read, want %d", n, maxBody)
	}
}

// TestSlowClient: who sends the header slowly, or says that a body follows and never sends it, is cut off.
func TestSlowClient(t *testing.T) {
	site := startSite(t, Auth{})
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

// TestLoopback: what listens on loopback serves nobody but this machine.
func TestLoopback(t *testing.T) {
	site := startSite(t, Auth{})
	_, port, _ := net.SplitHostPort(site.Addr)
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
