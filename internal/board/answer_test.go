package board

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/tail"
)

// fill puts crossings with ids of some length into the topic.
func (s *site) fill(n, length int) {
	s.tail = tail.New(tail.Options{Topic: "threshold-crossings", Most: n})
	s.sources.Crossings = s.tail
	record, id := s.record("clicks", "A", 5000, 1), strings.Repeat("x", length)
	for i := range n {
		s.cross(0, int64(i), time.UnixMilli(int64(1_767_225_600_000+i)), strings.ReplaceAll(record, "incident/A", fmt.Sprint("incident/", i, id)))
	}
}

// large is a page of crossings, which is not held against the document: that takes seconds.
func (s *site) large(cursor string) string {
	mux, w := http.NewServeMux(), httptest.NewRecorder()
	s.Register(mux)
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/crossings?limit=1000&after="+cursor, http.NoBody))
	return w.Body.String()
}

// TestPageOfLarge: a page ends before it is too large, and the cursor leads on.
func TestPageOfLarge(t *testing.T) {
	s := newSite(t)
	const all = 60
	s.fill(all, 50_000)
	var got []string
	for cursor, pages := "", 1; ; pages++ {
		body := s.large(cursor)
		ids, next := idsOf(t, body)
		if len(body) > pageBytes+100_000 || len(ids) == 0 {
			t.Fatalf("%d crossings, %d bytes", len(ids), len(body))
		}
		got = append(got, ids...)
		if cursor = next; cursor == "" {
			if pages < 3 {
				t.Errorf("%d pages", pages)
			}
			break
		}
	}
	slices.Sort(got)
	if got = slices.Compact(got); len(got) != all {
		t.Errorf("%d crossings of %d", len(got), all)
	}
	s.fill(3, pageBytes) // one that is larger alone is a page
	if ids, next := idsOf(t, s.large("")); len(ids) != 1 || next == "" {
		t.Errorf("%d crossings, next %q", len(ids), next)
	}
}

// stuck is a client that reads nothing: the first Write waits for it.
type stuck struct {
	http.ResponseWriter
	began, gone chan struct{}
}

func (s *stuck) Write(b []byte) (int, error) {
	s.began <- struct{}{}
	<-s.gone
	return len(b), nil
}

// TestUnread: many clients that do not read their large answers take little memory.
func TestUnread(t *testing.T) {
	s := newSite(t)
	s.fill(1000, 1_000)
	mux := http.NewServeMux()
	s.Register(mux)
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	const clients = 40
	before := heap()
	began, gone := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			r := httptest.NewRequest(http.MethodGet, "/api/v1/crossings?limit=1000", http.NoBody)
			mux.ServeHTTP(&stuck{httptest.NewRecorder(), began, gone}, r)
		})
	}
	for range clients {
		<-began
	}
	took := heap() - before
	go func() {
		for range began { // the other blocks
		}
	}()
	close(gone)
	all.Wait()
	close(began)
	if t.Logf("%d KiB for each client", took/clients>>10); took > clients*(blockBytes+64<<10) {
		t.Errorf("%d clients take %d bytes", clients, took)
	}
}

// TestUnreadCut: a client that does not read its answer is cut off.
func TestUnreadCut(t *testing.T) {
	s := newSite(t)
	s.fill(1000, 1_000)
	s.unread.patience = 50 * time.Millisecond
	ended := make(chan struct{})
	mux := http.NewServeMux()
	s.Register(mux)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mux.ServeHTTP(w, r)
		close(ended)
	}))
	server.Config.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateNew {
			_ = c.(*net.TCPConn).SetWriteBuffer(4 << 10)
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
	fmt.Fprint(slow, "GET /api/v1/crossings?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("it is not cut off")
	}
}

// TestUnreadBytes: whole answers that are not read have a bound together.
func TestUnreadBytes(t *testing.T) {
	var u unread
	if !u.begin(2 * unreadBytes) {
		t.Error("one answer is refused alone")
	}
	if u.begin(blockBytes + 1) {
		t.Error("another large one is not refused")
	}
	if !u.begin(blockBytes) {
		t.Error("a small one is refused")
	}
	u.end(blockBytes)
	u.end(2 * unreadBytes)
	if !u.begin(unreadBytes-1) || u.begin(blockBytes+1) || u.bytes != unreadBytes-1 {
		t.Errorf("%d bytes are noted", u.bytes)
	}
}
