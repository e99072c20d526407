package httpserver

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// problemType is the media type of a Problem.
const problemType = "application/problem+json"

// Problem is an error as programs read it: RFC 9457.
type Problem struct {
	Type      string        `json:"type"`
	Title     string        `json:"title"`
	Status    int           `json:"status"`
	Detail    string        `json:"detail"`
	Parameter string        `json:"parameter,omitempty"` // of the query, where one is bad
	Faults    []string      `json:"faults,omitempty"`    // of what was asked for, a line each
	After     time.Duration `json:"-"`                   // when it is worth trying again; 0: it is not
}

// NewProblem is a problem with the usual title of its status.
func NewProblem(status int, detail string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

// Error is the detail.
func (p *Problem) Error() string { return p.Detail }

// Write answers with the problem.
func (p *Problem) Write(w http.ResponseWriter) {
	b, err := json.Marshal(p)
	if err != nil {
		panic("BUG: a problem that is no JSON: " + err.Error())
	}
	h := w.Header()
	h.Set("Content-Type", problemType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if p.After > 0 {
		h.Set("Retry-After", strconv.Itoa(int(p.After.Seconds())))
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(b) // whoever asked has gone
}

// deny answers a request that is not let through: a program that asks the API gets a problem, everybody else a line.
func deny(w http.ResponseWriter, r *http.Request, status int, detail string) {
	if strings.HasPrefix(r.URL.Path, api) {
		NewProblem(status, detail).Write(w)
		return
	}
	answer(w, status, detail+"\n")
}
