package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/httpserver"
	"github.com/seed-afe14ff2/aggregator/internal/packdiff"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// reloadTimeout is how long an answer waits for the rules to be in force.
const reloadTimeout = 30 * time.Second

// answer is how a reload of ours went.
type answer struct {
	changes *packdiff.Difference
	err     error
}

// ServeHTTP reloads, for a POST. It answers when the rules are in force. Whoever asked may go away: the reload goes on.
func (r *reloader) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		httpserver.NewProblem(http.StatusMethodNotAllowed, "only POST reloads").Write(w)
		return
	}
	if req.ContentLength != 0 {
		httpserver.NewProblem(http.StatusBadRequest, "a reload takes no body: the rules are those of the config and its files").Write(w)
		return
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(2 * reloadTimeout)) // or the request ends with that of its body
	_ = control.SetWriteDeadline(time.Now().Add(2 * reloadTimeout))
	ask, done, late := r.asked, make(chan answer, 1), time.After(reloadTimeout)
	for {
		select {
		case ask <- done:
			ask = nil
			continue
		case a := <-done:
			a.write(w)
			return
		case <-req.Context().Done():
			return
		case <-late:
		}
		problem := httpserver.NewProblem(http.StatusServiceUnavailable, "the rules are not in force yet; they will be as soon as Redis and Kafka answer, unless they have faults: the log and /readyz?verbose say so")
		problem.After = reloadTimeout
		problem.Write(w)
		return
	}
}

func (a *answer) write(w http.ResponseWriter) {
	var bad faults
	switch {
	case errors.As(a.err, &bad):
		problem := httpserver.NewProblem(http.StatusUnprocessableEntity, "the rules have faults: those of before stay in force")
		problem.Faults = bad
		problem.Write(w)
	case a.err != nil:
		problem := httpserver.NewProblem(http.StatusServiceUnavailable, a.err.Error())
		problem.After = time.Second
		problem.Write(w)
	default:
		b, err := json.Marshal(a.changes)
		if err != nil {
			panic("BUG: changes that are no JSON: " + err.Error())
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(thresholds.AppendShown(nil, b)) // whoever asked has gone
	}
}

// handler serves POST /-/reload, if that is allowed.
func (r *reloader) handler(allowed bool) http.Handler {
	if allowed {
		return r
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		httpserver.NewProblem(http.StatusNotFound, "http.reload is false: SIGHUP reloads, and a change of a pack's file").Write(w)
	})
}
