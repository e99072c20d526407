package board

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestHuge: parameters may be of any size and number.
func TestHuge(t *testing.T) {
	s := newSite(t)
	f := func(path string, status int, parameter string) {
		t.Helper()
		a := s.get(path)
		if a.status != status || parameter != "" && !strings.Contains(a.body, `"parameter":"`+parameter+`"`) || len(a.body) > 4_096 {
			t.Errorf("%s...: %d %s", path[:60], a.status, a.body[:min(len(a.body), 300)])
		}
	}
	big := strings.Repeat("x", 15_000)
	f("/api/v1/crossings?subject="+big, 400, "subject")
	f("/api/v1/subjects?after="+big, 400, "after")
	f("/api/v1/subjects?min_progress="+strings.Repeat("9", 5_000), 400, "min_progress")
	f("/api/v1/subjects?min_progress=999999999999.9999", 200, "")
	f("/api/v1/crossings?"+big+"=1", 400, strings.Repeat("x", 64)+"...")
	f("/api/v1/crossings?"+strings.Repeat("a&", 7_000), 400, "a")
	f("/api/v1/crossings/"+big, 404, "")
	f("/api/v1/subjects/incident/"+big, 404, "")
}

// TestSlowClient: a client that does not read holds up nobody. It is cut off once it has missed something, or has not read for long.
func TestSlowClient(t *testing.T) {
	s := newSite(t)
	s.streams.patience = 100 * time.Millisecond
	ended := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.serveStream(w, r)
		close(ended)
	}))
	server.Config.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateNew {
			_ = c.(*net.TCPConn).SetWriteBuffer(4 << 10) // the system takes little for those who do not read
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	slow, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slow.Close() })
	_ = slow.(*net.TCPConn).SetReadBuffer(4 << 10)
	fmt.Fprint(slow, "GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
	fast := s.listen("")
	now, began := time.Now(), time.Now()
	for i := 0; ; i++ {
		s.cross(0, int64(i), now.Add(time.Duration(i)*time.Millisecond), s.record("clicks", fmt.Sprint(i, strings.Repeat("x", 2_000)), 5000, 1))
		if !strings.HasPrefix(fast.crossing(), fmt.Sprint("clicks/incident/", i, "x")) {
			t.Fatal("another crossing")
		}
		select {
		case <-ended:
			t.Logf("cut off after %d crossings and %v", i, time.Since(began))
			return
		default:
		}
		if time.Since(began) > time.Minute {
			t.Fatal("it is not cut off")
		}
		runtime.Gosched()
	}
}
