package httpserver

import (
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// TestConnections: who has to go.
func TestConnections(t *testing.T) {
	c := newConnections(3, prometheus.NewCounter(prometheus.CounterOpts{Name: "cut"}))
	clock := time.Unix(0, 0)
	c.now = func() time.Time { clock = clock.Add(time.Millisecond); return clock }
	conns := make([]net.Conn, 10)
	for i := range conns {
		conns[i], _ = net.Pipe()
	}
	goes := func(want int) {
		t.Helper()
		got, wait := c.evict()
		if want < 0 && got != nil || want >= 0 && got != conns[want] {
			t.Errorf("not %d goes", want)
		}
		if full := len(c.open) == 3; want < 0 && full != (wait > 0) {
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
	if len(c.open) != 2 {
		t.Error("a connection that was evicted came back")
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
	if goes(-1); len(c.open) != 0 {
		t.Errorf("%d are left", len(c.open))
	}
}

// asking is a listener that notes what was cut when it was asked for a connection.
type asking struct {
	net.Listener
	connections *connections
	open        int
}

func (l *asking) Accept() (net.Conn, error) {
	l.open = len(l.connections.open)
	conn, _ := net.Pipe()
	return conn, nil
}

// TestEvictedForSomebody: when all places are taken, nobody has to go before another one comes.
func TestEvictedForSomebody(t *testing.T) {
	c := newConnections(2, prometheus.NewCounter(prometheus.CounterOpts{Name: "cut"}))
	clock := time.Unix(0, 0)
	c.now = func() time.Time { clock = clock.Add(time.Hour); return clock }
	for range 2 {
		conn, _ := net.Pipe()
		c.changed(conn, http.StateNew)
	}
	l := &asking{connections: c}
	if _, err := (limitedListener{l, c}).Accept(); err != nil || l.open != 2 || len(c.open) != 1 {
		t.Errorf("open before: %d, after: %d, error %v", l.open, len(c.open), err)
	}
}
