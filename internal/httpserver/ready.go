package httpserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// member knows whether the process is in its Kafka group, and whether anything of it is stalled.
type member interface {
	// Membership is a note on its place in the group; the error is what is missing there.
	Membership() (note string, err error)
	Stalled() []string
}

// pinger is a store that can be asked whether it can be written to.
type pinger interface{ Ping(context.Context) error }

// Readiness reports whether the process does its work: Redis takes writes, and
// the Kafka group has it. It stops being ready when it drains. Its zero value is not ready: nothing is connected.
type Readiness struct {
	group    atomic.Pointer[member]
	draining atomic.Bool

	mu     sync.Mutex // one ping at a time
	store  pinger     // nil: not connected yet
	pinged time.Time
	err    error
}

// How long an answer of Redis serves for all who ask, and how long it may take.
const (
	pingValid   = time.Second
	pingTimeout = 500 * time.Millisecond
)

// StoreConnected notes that the store is connected.
func (r *Readiness) StoreConnected(p pinger) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.store = p
}

// ServiceStarted notes who knows of the group.
func (r *Readiness) ServiceStarted(m member) { r.group.Store(&m) }

// Drain makes it not ready for good.
func (r *Readiness) Drain() { r.draining.Store(true) }

var errNotConnected = errors.New("not connected yet")

// redis asks the store, or remembers what it answered just now.
func (r *Readiness) redis(ctx context.Context) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.store == nil {
		return "", errNotConnected
	}
	if time.Since(r.pinged) < pingValid {
		return "", r.err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pingTimeout)
	defer cancel()
	r.err = r.store.Ping(ctx)
	r.pinged = time.Now()
	return "", r.err
}

// kafka checks that the group has us, which it has only while Kafka is reachable, and that nobody
// else has our events.
func (r *Readiness) kafka(context.Context) (string, error) {
	m := r.group.Load()
	if m == nil {
		return "", errors.New("group not joined")
	}
	return (*m).Membership()
}

func (r *Readiness) running(context.Context) (string, error) {
	if r.draining.Load() {
		return "", errors.New("draining")
	}
	return "", nil
}

// progress reports what is stalled. A stall does not make unready: others would get the partitions, and
// most of what holds one process up holds up the next.
func (r *Readiness) progress() string {
	m := r.group.Load()
	if m == nil {
		return ""
	}
	var b strings.Builder
	for _, line := range (*m).Stalled() {
		fmt.Fprintf(&b, "progress: %s\n", line)
	}
	return cmp.Or(b.String(), "progress: ok\n")
}

// ServeHTTP answers 200 or 503. The text names what is not ready; with
// ?verbose there is a line for each check.
func (r *Readiness) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	checks := []struct {
		name string
		f    func(context.Context) (note string, err error)
	}{{"running", r.running}, {"kafka", r.kafka}, {"redis", r.redis}}
	var all, bad strings.Builder
	for _, c := range checks {
		note, err := c.f(req.Context())
		if err != nil {
			fmt.Fprintf(&all, "%s: %v\n", c.name, err)
			fmt.Fprintf(&bad, "not ready: %s: %v\n", c.name, err)
			continue
		}
		if note != "" {
			note = ", " + note
		}
		fmt.Fprintf(&all, "%s: ok%s\n", c.name, note)
	}
	status, text := http.StatusOK, "ok\n"
	if bad.Len() > 0 {
		status, text = http.StatusServiceUnavailable, bad.String()
	}
	if req.URL.Query().Has("verbose") {
		text = all.String() + r.progress()
	}
	answer(w, status, text)
}
