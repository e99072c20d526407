package board

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/tail"
)

// listener is a client of the stream.
type listener struct {
	t     *testing.T
	lines *bufio.Scanner
	id    string // of the last event
	close func()
}

// listen follows the stream from an event on; "": from now on.
func (s *site) listen(last string) *listener {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+"/api/v1/stream", http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { res.Body.Close() })
	if kind := res.Header.Get("Content-Type"); res.StatusCode != 200 || kind != "text/event-stream" || res.Header.Get("Cache-Control") != "no-store" {
		s.t.Fatalf("got %d, %v", res.StatusCode, res.Header)
	}
	l := &listener{t: s.t, lines: bufio.NewScanner(res.Body), id: last, close: func() { res.Body.Close() }}
	l.lines.Buffer(nil, 1<<20)
	return l
}

// next is the next event and its data, of those of some names.
func (l *listener) next(names ...string) (name, data string) {
	l.t.Helper()
	for l.lines.Scan() {
		switch line := l.lines.Text(); {
		case strings.HasPrefix(line, "event: "):
			name = line[len("event: "):]
		case strings.HasPrefix(line, "id: "):
			l.id = line[len("id: "):]
		case strings.HasPrefix(line, "data: "):
			data = line[len("data: "):]
		case line == "":
			for _, n := range names {
				if n == name {
					return name, data
				}
			}
			name, data = "", ""
		}
	}
	l.t.Fatalf("the stream ended: %v", l.lines.Err())
	return "", ""
}

// crossing is the id of the next crossing, or "gap".
func (l *listener) crossing() string {
	l.t.Helper()
	name, data := l.next("crossing", "gap")
	if name == "gap" {
		return name
	}
	_, rest, _ := strings.Cut(data, `"id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

func TestStream(t *testing.T) {
	s := newSite(t)
	now := time.Now()
	s.cross(0, 0, now, s.record("clicks", "before", 5000, 1))
	l := s.listen("")
	cross := func(partition int, offset int64, subject string) {
		now = now.Add(time.Millisecond)
		s.cross(partition, offset, now, s.record("clicks", subject, 5000, 1))
	}
	want := func(l *listener, subjects ...string) {
		t.Helper()
		for _, x := range subjects {
			if got := l.crossing(); got != "clicks/incident/"+x+"/1/0.5" && got != x {
				t.Fatalf("got %s, want %s", got, x)
			}
		}
	}
	cross(1, 0, "A")
	cross(0, 1, "B")
	want(l, "A")
	afterA := l.id
	want(l, "B")
	afterB := l.id
	cross(0, 2, "A") // a repeat
	cross(2, 0, "C")
	want(l, "C")
	if _, data := l.next("status"); !strings.Contains(data, `"stream_time":`) {
		t.Errorf("the status is %s", data)
	}
	l.close()
	want(s.listen(afterA), "B", "C")
	want(s.listen(afterB), "C")
	l = s.listen(l.id)
	cross(0, 3, "D")
	want(l, "D")
	want(s.listen("p0:1"), "A", "B", "C", "D")
	want(s.listen("p"), "before", "A", "B", "C", "D")
	want(s.listen("p0:4,1:1,2:9"), "gap") // those of a topic that was longer

	// What is dropped from the list makes a gap.
	for i := range 200 {
		cross(0, int64(4+i), fmt.Sprint("E", i))
	}
	want(s.listen(afterA), "gap", "E100", "E101")
	for _, id := range []string{"x", "p1", "p1:x", "p-1:1", "p1:-1", "p1:1,1:2", "p1:1,", "p99999999999:1"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/api/v1/stream", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Last-Event-ID", id)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 400 {
			t.Errorf("%s: got %d", id, res.StatusCode)
		}
	}
}

// TestStreamAway: that a server does not answer is said, and the stream goes on.
func TestStreamAway(t *testing.T) {
	s := newSite(t)
	s.fakes.fail(errDown)
	l := s.listen("")
	if _, data := l.next("status", "problem"); !strings.Contains(data, errDown.Error()) || !strings.Contains(data, `"status":503`) {
		t.Errorf("got %s", data)
	}
	s.fakes.fail(nil)
	l.next("status")
	s.Stop()
	for l.lines.Scan() {
	}
	if a := s.get("/api/v1/stream"); a.status != 503 {
		t.Errorf("after the stop: %d", a.status)
	}
}

// TestStreamBeginning: who is cut off before there was any event goes on from where it began.
func TestStreamBeginning(t *testing.T) {
	s := newSite(t)
	s.cross(0, 0, time.Now(), s.record("clicks", "before", 5000, 1))
	l := s.listen("")
	for l.lines.Scan() && l.lines.Text() != "" {
		if id, found := strings.CutPrefix(l.lines.Text(), "id: "); found {
			l.id = id
		}
	}
	l.close()
	s.cross(0, 1, time.Now(), s.record("clicks", "meanwhile", 5000, 1))
	if got := s.listen(l.id).crossing(); got != "clicks/incident/meanwhile/1/0.5" {
		t.Errorf("after %q came %s", l.id, got)
	}
}

// TestManyStreams: there is a bound, and whoever leaves makes room.
func TestManyStreams(t *testing.T) {
	s := newSite(t)
	var all []*listener
	for range mostStreams {
		all = append(all, s.listen(""))
	}
	if a := s.get("/api/v1/stream"); a.status != 503 || a.header.Get("Retry-After") == "" {
		t.Fatalf("got %d", a.status)
	}
	all[0].close()
	for !s.streams.begin() { // its place is free once the server has seen it go
		runtime.Gosched()
	}
	s.streams.end()
	s.listen("")
}

// TestStreamBehind: who was told more by another process has nothing twice here.
func TestStreamBehind(t *testing.T) {
	s := newSite(t)
	now := time.Now()
	s.cross(0, 0, now, s.record("clicks", "A", 5000, 1))
	s.source.at[0] = 2 // another process has read so far
	time.AfterFunc(100*time.Millisecond, func() {
		s.cross(0, 1, now, s.record("clicks", "B", 5000, 1))
		s.cross(0, 2, now, s.record("clicks", "C", 5000, 1))
	})
	if got := s.listen("p0:2").crossing(); got != "clicks/incident/C/1/0.5" {
		t.Errorf("got %s", got)
	}
}

// endless is a client for whom another crossing comes with each that it has read.
type endless struct {
	*httptest.ResponseRecorder
	ctx   context.Context
	read  int
	more  func(i int)
	until func(text string) bool
	done  func()
}

func (e *endless) Write(b []byte) (int, error) {
	if e.read++; e.until(string(b)) {
		e.done()
	}
	e.more(e.read)
	return len(b), e.ctx.Err()
}

// TestBurst: crossings without end hold up neither the status nor the end.
func TestBurst(t *testing.T) {
	s := newSite(t)
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	now, status := time.Now(), false
	record := s.record("clicks", "A", 5000, 1)
	w := &endless{
		ResponseRecorder: httptest.NewRecorder(), ctx: ctx, done: func() { status = true; stop() },
		more: func(i int) {
			s.cross(0, int64(i), now.Add(time.Duration(i)*time.Millisecond), strings.ReplaceAll(record, "incident/A", fmt.Sprint("incident/", i)))
		},
		until: func(text string) bool { return strings.Contains(text, "event: status\n") },
	}
	follower, err := s.sources.follow(httptest.NewRequest(http.MethodGet, "/", http.NoBody))
	if err != nil {
		t.Fatal(err)
	}
	s.run(ctx, &client{sources: s.sources, follower: follower, w: w, control: http.NewResponseController(w), patience: time.Minute})
	if !status {
		t.Errorf("no status between %d writes", w.read)
	}
}

// TestBurstAllocations: a crossing is put into its form once, not for each client.
func TestBurstAllocations(t *testing.T) {
	s := newSite(t)
	for i := range 100 {
		s.cross(i%8, int64(i), time.Now(), s.record("clicks", fmt.Sprint(i), 5000, 1))
	}
	c := &client{sources: s.sources, text: make([]byte, 0, 200<<10)}
	if n := testing.AllocsPerRun(1, func() {
		c.follower, _ = s.tail.Follow(t.Context(), tail.Positions{})
		c.text = c.text[:0]
		for more := true; more; {
			more, _ = c.crossings()
		}
	}); n > 100 {
		t.Errorf("%v allocations for 100 crossings", n)
	}
	if n := strings.Count(string(c.text), "event: crossing"); n != 100 {
		t.Errorf("%d crossings", n)
	}
}

// BenchmarkBurst is what a crossing takes for a client that follows.
func BenchmarkBurst(b *testing.B) {
	const all = 1000
	x := tail.New(tail.Options{Topic: "threshold-crossings"})
	x.Took(0)
	s := &Sources{Announced: Announced{Topic: "threshold-crossings", Crossings: x}}
	New(Process{}).Connect(s)
	from := tail.Positions{}
	for i := range all {
		record := fmt.Sprintf(`{"id":"clicks/incident/%d/1/0.5","status":"crossed","title":"%s"}`, i, strings.Repeat("a title ", 130))
		x.Took(i%6, tail.Record{Offset: int64(i), Timestamp: int64(i), Value: []byte(record)})
	}
	for b.Loop() {
		b.StopTimer()
		follower, err := x.Follow(b.Context(), from)
		if err != nil {
			b.Fatal(err)
		}
		c := &client{sources: s, follower: follower}
		b.StartTimer()
		for more := true; more; c.text = c.text[:0] {
			more, _ = c.crossings()
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*all), "ns/crossing")
}
