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

	"github.com/prometheus/client_golang/prometheus"
)

// service knows how a running service does.
type service interface {
	Kafka() error  // no broker answers
	Topics() error // one is missing
	// Membership is a note on its place in the group; the error is what is missing there.
	Membership() (note string, err error)
	// Packs is a note on those that are in force, and on processes that have others, which each count by their own;
	// the error is that none are in force.
	Packs() (note string, err error)
	Stalled() []string
}

// pinger is a store that can be asked whether it can be written to.
type pinger interface{ Ping(context.Context) error }

// Readiness reports whether the process does its work: Kafka and Redis answer, the topics are there, the group has it, and its packs
// are in force. It stops being ready when it drains. Its zero value is not ready: nothing is connected.
// It is a metric, too, by check.
type Readiness struct {
	service  atomic.Pointer[service]
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

// ServiceStarted notes who knows how the service does.
func (r *Readiness) ServiceStarted(s service) { r.service.Store(&s) }

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

// checks are in the order in which they are said.
func (r *Readiness) checks() []check {
	return []check{
		{"running", r.running},
		{"kafka", r.ask(errNotConnected, func(s service) (string, error) { return "", s.Kafka() })},
		{"redis", r.redis},
		{"topics", r.ask(errNotConnected, func(s service) (string, error) { return "", s.Topics() })},
		{"group", r.ask(errors.New("group not joined"), service.Membership)},
		{"packs", r.ask(errors.New("not in force yet"), service.Packs)},
	}
}

// ask is a check of the service, which fails before there is one.
func (r *Readiness) ask(before error, f func(service) (string, error)) func(context.Context) (string, error) {
	return func(context.Context) (string, error) {
		if s := r.service.Load(); s != nil {
			return f(*s)
		}
		return "", before
	}
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
	s := r.service.Load()
	if s == nil {
		return ""
	}
	var b strings.Builder
	for _, line := range (*s).Stalled() {
		fmt.Fprintf(&b, "progress: %s\n", line)
	}
	return cmp.Or(b.String(), "progress: ok\n")
}

// ServeHTTP answers 200 or 503. The text names what is not ready; with
// ?verbose there is a line for each check.
func (r *Readiness) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	answerChecks(w, req, r.checks(), r.progress)
}

var readyDesc = prometheus.NewDesc("aggregator_ready", "1: the check of /readyz is met, 0: it is not, by check.", []string{"check"}, nil)

// Describe is prometheus.Collector's.
func (r *Readiness) Describe(ch chan<- *prometheus.Desc) { ch <- readyDesc }

// Collect is prometheus.Collector's. Whether the process drains is no series: it is gone soon.
func (r *Readiness) Collect(ch chan<- prometheus.Metric) {
	for _, c := range r.checks() {
		if c.name == "running" {
			continue
		}
		met := 1.0
		if _, err := c.f(context.Background()); err != nil {
			met = 0
		}
		ch <- prometheus.MustNewConstMetric(readyDesc, prometheus.GaugeValue, met, c.name)
	}
}
