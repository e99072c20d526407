package main

import (
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// crowd bounds the connections of the HTTP server. Who opens many, and says nothing on them, would else use up the
// descriptors that Kafka and Redis need, and keep probes from their answers. When all places are taken, a new connection
// gets that of another one, so that a probe, which asks as soon as it is connected, is answered however many come.
type crowd struct {
	most  int
	grace time.Duration // for which a new connection, and a request, keep their places in any case
	cut   prometheus.Counter
	now   func() time.Time

	mu     sync.Mutex
	guests map[net.Conn]guest
	left   chan struct{} // holds one after a guest has gone or become idle
}

// guest is a connection that is open.
type guest struct {
	state http.ConnState
	since time.Time
}

const (
	// connectionsMost is how many connections may be open, where the system lets the process have four times as many
	// descriptors.
	connectionsMost = 256
	// connectionGrace is long for a request to come in, and short for others to wait: the queue of a listener holds
	// thousands, of which so many as there are places get in within this time.
	connectionGrace = 100 * time.Millisecond
)

// mostConnections leaves three of four descriptors to Kafka and Redis.
func mostConnections() int { return max(8, min(connectionsMost, descriptors()/4)) }

func newCrowd(most int, cut prometheus.Counter) *crowd {
	return &crowd{
		most: most, grace: connectionGrace, cut: cut, now: time.Now,
		guests: map[net.Conn]guest{}, left: make(chan struct{}, 1),
	}
}

// roomy is a listener that takes a connection only when there is room for it.
type roomy struct {
	net.Listener
	crowd *crowd
}

// Accept takes the next connection and makes room for it, before the server tells the crowd of it.
func (l roomy) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.crowd.makeRoom()
	}
	return conn, err
}

// makeRoom returns when there is room for one more.
func (c *crowd) makeRoom() {
	for {
		goes, wait := c.first()
		if goes == nil && wait <= 0 {
			return
		}
		if goes != nil {
			c.cut.Inc()
			goes.Close()
			return
		}
		select {
		case <-c.left:
		case <-time.After(wait):
		}
	}
}

// changed is what the server calls when a connection is opened, used or closed.
func (c *crowd) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, there := c.guests[conn]
	switch {
	case state == http.StateClosed || state == http.StateHijacked:
		delete(c.guests, conn)
	case there || state == http.StateNew: // else it was told to go
		c.guests[conn] = guest{state, c.now()}
	}
	if state == http.StateNew || state == http.StateActive {
		return
	}
	select {
	case c.left <- struct{}{}:
	default:
	}
}

// first takes the connection out that is missed least, if there is no room: the one that has longest said nothing, or not
// all of a header; else the one that has longest been idle between requests; else the one whose request has taken longest.
// If there is none that may go yet, wait says when there may be.
func (c *crowd) first() (goes net.Conn, wait time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.guests) < c.most {
		return nil, 0
	}
	now := c.now()
	wait = c.grace
	var least guest
	for conn, g := range c.guests {
		if rest := c.grace - now.Sub(g.since); g.state != http.StateIdle && rest > 0 {
			wait = min(wait, rest)
		} else if goes == nil || g.goesBefore(least) {
			goes, least = conn, g
		}
	}
	delete(c.guests, goes)
	return goes, wait
}

// goesBefore says which of two is missed less.
func (g guest) goesBefore(other guest) bool {
	rank := [...]int{http.StateNew: 0, http.StateIdle: 1, http.StateActive: 2}
	if a, b := rank[g.state], rank[other.state]; a != b {
		return a < b
	}
	return g.since.Before(other.since)
}
