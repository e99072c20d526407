package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// rest is all that still comes on a connection.
func rest(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	var b strings.Builder
	if _, err := io.Copy(&b, io.LimitReader(r, 1<<20)); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Fatal(err)
	}
	return b.String()
}

// TestCrowd: who has to go.
func TestCrowd(t *testing.T) {
	c := newCrowd(3, prometheus.NewCounter(prometheus.CounterOpts{Name: "cut"}))
	clock := time.Unix(0, 0)
	c.now = func() time.Time { clock = clock.Add(time.Millisecond); return clock }
	conns := make([]net.Conn, 10)
	for i := range conns {
		conns[i], _ = net.Pipe()
	}
	goes := func(want int) {
		t.Helper()
		got, wait := c.first()
		if want < 0 && got != nil || want >= 0 && got != conns[want] {
			t.Errorf("not %d goes", want)
		}
		if full := len(c.guests) == 3; want < 0 && full != (wait > 0) {
			t.Errorf("full %v, and it waits %v", full, wait)
		}
	}
	is := func(state http.ConnState, list ...int) {
		for _, i := range list {
			c.changed(conns[i], state)
		}
	}
	goes(-1)
	is(http.StateNew, 0, 1, 2)
	goes(-1) // all have just come
	clock = clock.Add(c.grace)
	is(http.StateActive, 0)
	goes(1) // it has said nothing for longest
	is(http.StateActive, 1)
	if len(c.guests) != 2 {
		t.Error("one that was told to go came back")
	}
	is(http.StateNew, 3)
	goes(2) // 3 has just come
	is(http.StateNew, 4)
	is(http.StateActive, 3, 4)
	goes(-1) // all work
	is(http.StateIdle, 3, 0)
	goes(3) // idle for longer than 0
	goes(-1)
	is(http.StateNew, 5)
	is(http.StateActive, 0, 5)
	clock = clock.Add(c.grace)
	goes(4) // all have worked for long: the longest
	is(http.StateClosed, 5)
	is(http.StateHijacked, 0)
	if goes(-1); len(c.guests) != 0 {
		t.Errorf("%d are left", len(c.guests))
	}
}

// asking is a listener that notes what was cut when it was asked for a connection.
type asking struct {
	net.Listener
	crowd *crowd
	open  int
}

func (l *asking) Accept() (net.Conn, error) {
	l.open = len(l.crowd.guests)
	conn, _ := net.Pipe()
	return conn, nil
}

// TestCrowdCutsForSomebody: when all places are taken, nobody has to go before another one comes.
func TestCrowdCutsForSomebody(t *testing.T) {
	c := newCrowd(2, prometheus.NewCounter(prometheus.CounterOpts{Name: "cut"}))
	clock := time.Unix(0, 0)
	c.now = func() time.Time { clock = clock.Add(time.Hour); return clock }
	for range 2 {
		conn, _ := net.Pipe()
		c.changed(conn, http.StateNew)
	}
	l := &asking{crowd: c}
	if _, err := (roomy{l, c}).Accept(); err != nil || l.open != 2 || len(c.guests) != 1 {
		t.Errorf("open before: %d, after: %d, error %v", l.open, len(c.guests), err)
	}
}

// limited starts the program with few descriptors and no servers to talk to, and returns where it serves.
func limited(t *testing.T, descriptors int) *daemon {
	t.Helper()
	config := write(t, "c.yaml", fmt.Sprintf("kafka: {brokers: [%q]}\nredis: {addrs: [%q]}\nhttp: {listen: \"127.0.0.1:0\"}\n", nobody(t), nobody(t)))
	cmd := exec.Command("sh", "-c", "ulimit -n "+strconv.Itoa(descriptors)+" && exec \"$0\" run -config \"$1\"", binary.made(t), config)
	d := launchAs(t, "limited", cmd, "AGGREGATOR_LOG_FORMAT=json")
	d.lame = true
	t.Cleanup(d.cleanup)
	d.http = d.awaitLog("started")["http"].(string)
	return d
}

// TestHalfOpenConnections: a probe is answered while connections on which nothing comes are opened without end, though the
// system lets the process have few.
func TestHalfOpenConnections(t *testing.T) {
	d := limited(t, 200)
	var crowd sync.WaitGroup
	done := make(chan struct{})
	defer crowd.Wait()
	defer close(done)
	opened := make(chan struct{}, 1_000)
	for range 300 {
		crowd.Go(func() { halfOpen(d.http, done, opened) })
	}
	for range 300 {
		select {
		case <-opened:
		case <-time.After(limit):
			t.Fatal("no more can be opened")
		}
	}
	for i := range 20 {
		began := time.Now()
		status, text := d.get("/livez")
		if took := time.Since(began); status != http.StatusOK || took > 4*time.Second { // the program ends each after 5 s
			t.Errorf("probe %d: %d %s after %v", i, status, text, took)
		}
	}
	if d.metric("aggregator_http_connections_cut_total") == 0 {
		t.Error("no connection was cut")
	}
	if strings.Contains(d.log.String(), "too many open files") {
		t.Error("the descriptors were used up")
	}
}

// halfOpen holds a connection on which it says half of a header, and opens another one when it was cut.
func halfOpen(addr string, done chan struct{}, opened chan<- struct{}) {
	for {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, "GET /livez HTTP/1.1\r\nHost: ")
		select {
		case opened <- struct{}{}:
		default:
		}
		cut := make(chan struct{})
		go func() {
			defer close(cut)
			_, _ = io.Copy(io.Discard, conn)
		}()
		select {
		case <-done:
			conn.Close()
			<-cut
			return
		case <-cut:
			conn.Close()
		}
	}
}

// TestWrongTokens: they are counted and wait, a few at a time, and never the right one.
func TestWrongTokens(t *testing.T) {
	site := startSite(t, gate{token: httpToken, pause: time.Hour})
	wrong := request("/metrics", "Authorization: Bearer wrong")
	for range pausesAtOnce {
		if _, err := io.WriteString(dial(t, site), wrong); err != nil {
			t.Fatal(err)
		}
	}
	right := func() string {
		_, text := ask(t, site, request("/metrics", "Authorization: Bearer "+httpToken, "Connection: close"))
		return rest(t, text)
	}
	if !within(limit, func() bool {
		return strings.Contains(right(), fmt.Sprintf(`aggregator_http_refused_total{reason="token"} %d`, pausesAtOnce))
	}) {
		t.Error("wrong tokens are not counted")
	}
	// All places are taken: the next is answered at once, and has to connect again.
	if res, _ := ask(t, site, wrong); res == nil || res.StatusCode != http.StatusUnauthorized || !res.Close {
		t.Errorf("got %v", res)
	}
	if res, _ := ask(t, site, request("/metrics")); res == nil || res.StatusCode != http.StatusUnauthorized || res.Close {
		t.Errorf("no token: got %v", res)
	}
	if !strings.Contains(right(), `aggregator_http_refused_total{reason="no-token"} 1`) {
		t.Error("a request without token is not counted")
	}
}

// TestWrongTokenPause: it is as long as the gate says.
func TestWrongTokenPause(t *testing.T) {
	site := startSite(t, gate{token: httpToken, pause: 300 * time.Millisecond})
	began := time.Now()
	res, _ := ask(t, site, request("/metrics", "Authorization: Bearer wrong"))
	if took := time.Since(began); res == nil || res.StatusCode != http.StatusUnauthorized || took < 300*time.Millisecond {
		t.Errorf("got %v after %v", res, took)
	}
	if defaultConfig().gate.pause != defaultPause {
		t.Error("the config has another pause")
	}
}
