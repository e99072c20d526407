package httpserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
)

// check is one of what a process is ready by. The error is what is missing.
type check struct {
	name string
	f    func(context.Context) (note string, err error)
}

// answerChecks answers 200 or 503. progress is what is said besides, if somebody wants to know everything.
func answerChecks(w http.ResponseWriter, req *http.Request, checks []check, progress func() string) {
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
		text = all.String() + progress()
	}
	answer(w, status, text)
}

// Checks is what a process is ready by that is no service: by checks of its own, until it drains.
type Checks struct {
	list     []check
	progress func() string
	draining atomic.Bool
}

// NewChecks is ready until it drains. progress is what is said besides.
func NewChecks(progress func() string) *Checks {
	c := &Checks{progress: progress}
	c.Add("running", func() (string, error) {
		if c.draining.Load() {
			return "", errors.New("draining")
		}
		return "", nil
	})
	return c
}

// Add adds a check, before anybody asks. The error is what is missing.
func (c *Checks) Add(name string, f func() (note string, err error)) {
	c.list = append(c.list, check{name, func(context.Context) (string, error) { return f() }})
}

// Drain makes it not ready for good.
func (c *Checks) Drain() { c.draining.Store(true) }

// ServeHTTP is http.Handler's.
func (c *Checks) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	answerChecks(w, req, c.list, c.progress)
}
