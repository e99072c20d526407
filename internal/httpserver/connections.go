package httpserver

import (
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// connections bounds how many connections are open. Otherwise a client that opens many, and says
// nothing on them, would use up the descriptors that Kafka and Redis need. It would also keep
// probes from their answers. When all places are taken, a new connection takes the place of another
// one. So a probe, which asks as soon as it is connected, is always answered.
type connections struct {
	limit int
	grace time.Duration // for which a new connection, and a request, keep their places in any case
	cut   prometheus.Counter
	now   func() time.Time

	mu    sync.Mutex
	open  map[net.Conn]connection
	freed chan struct{} // holds one after a connection has gone or become idle
}

// connection is the state of an open connection.
type connection struct {
	state http.ConnState
	since time.Time
}

const (
	// connectionGrace is long for a request to come in, and short for others to wait. The queue of a listener holds
	// thousands: as many as there are places get in within this time.
	connectionGrace = 100 * time.Millisecond
)

// connectionLimit leaves three of four descriptors to Kafka and Redis.
func connectionLimit() int { return max(8, min(maxConnections, descriptors()/4)) }

func newConnections(limit int, cut prometheus.Counter) *connections {
	return &connections{
		limit: limit, grace: connectionGrace, cut: cut, now: time.Now,
		open: map[net.Conn]connection{}, freed: make(chan struct{}, 1),
	}
}

// limitedListener is a listener that takes a connection only when there is room for it.
type limitedListener struct {
	net.Listener
	connections *connections
}

// Accept takes the next connection and makes room for it, before the server reports it to changed.
func (l limitedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.connections.makeRoom()
	}
	return conn, err
}

// makeRoom returns when there is room for one more.
func (c *connections) makeRoom() {
	for {
		goes, wait := c.evict()
		if goes == nil && wait <= 0 {
			return
		}
		if goes != nil {
			c.cut.Inc()
			goes.Close()
			return
		}
		select {
		case <-c.freed:
		case <-time.After(wait):
		}
	}
}

// changed is what the server calls when a connection is opened, used or closed.
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, there := c.open[conn]
	switch {
	case state == http.StateClosed || state == http.StateHijacked:
		delete(c.open, conn)
	case there || state == http.StateNew: // otherwise it was evicted
		c.open[conn] = connection{state, c.now()}
	}
	if state == http.StateNew || state == http.StateActive {
		return
	}
	select {
	case c.freed <- struct{}{}:
	default:
	}
}

// evict takes out the connection that is missed least, if there is no room. That is the connection
// that has longest sent nothing, or only a part of a header. If there is none, it is the connection
// that has longest been idle between requests. If there is none either, it is the connection whose
// request has taken longest. If no connection may go yet, wait is when one may.
func (c *connections) evict() (goes net.Conn, wait time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.open) < c.limit {
		return nil, 0
	}
	now := c.now()
	wait = c.grace
	var least connection
	for conn, g := range c.open {
		if rest := c.grace - now.Sub(g.since); g.state != http.StateIdle && rest > 0 {
			wait = min(wait, rest)
		} else if goes == nil || g.evictedBefore(least) {
			goes, least = conn, g
		}
	}
	delete(c.open, goes)
	return goes, wait
}

// evictedBefore reports whether g is missed less than another one.
func (g connection) evictedBefore(other connection) bool {
	rank := [...]int{http.StateNew: 0, http.StateIdle: 1, http.StateActive: 2}
	if a, b := rank[g.state], rank[other.state]; a != b {
		return a < b
	}
	return g.since.Before(other.since)
}
