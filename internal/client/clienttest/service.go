package clienttest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/seed-afe14ff2/aggregator/api/apitest"
)

// Object is a JSON object.
type Object = map[string]any

// Service answers as a process of `run` does.
type Service struct {
	URL string
	t   testing.TB

	mu     sync.Mutex
	a      Answers
	told   map[string]string // Last-Event-ID of each connection of the stream, by its number
	stream chan Push
	cut    chan struct{} // closed to end the streams
	lists  int           // askings of lists
}

// Answers are what a service says. A test changes them by Set.
type Answers struct {
	Status                 Object
	Rules, Rows, Crossings []Object
	Subjects               map[string]Object // by KIND/ID
	From                   any               // how far back the crossings reach
	Ready                  string            // of the probe, by lines
	Token                  string            // that is wanted; "": none
	Refusal                *Refusal          // nil: it answers
}

// Refusal is a problem in the place of every answer.
type Refusal struct {
	Status int
	Detail string
	After  int // seconds; 0: not said
}

// Push is a block of the stream.
type Push struct {
	Name, ID string
	Data     any
}

// New starts a service that answers as it does after a while.
func New(t testing.TB) *Service {
	t.Helper()
	s := &Service{t: t, a: Usual(), told: map[string]string{}, stream: make(chan Push, 100), cut: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		a := s.Answers()
		if strings.Contains(strings.ReplaceAll(a.Ready, ": ok", ""), ": ") {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprint(w, a.Ready)
	})
	s.answer(mux, "status", nil, func(a *Answers, _ *http.Request) any { return a.Status })
	s.answer(mux, "rules", pages, func(a *Answers, r *http.Request) any { return s.list(a.Rules, r, nil, nil) })
	s.answer(mux, "subjects", append([]string{"by", "rule", "min_progress", "max_progress", "since"}, pages...), func(a *Answers, r *http.Request) any {
		return s.list(a.Rows, r, []string{"by", "rule"}, nil)
	})
	s.answer(mux, "crossings", append([]string{"rule", "by", "subject", "status", "since", "shadow"}, pages...), func(a *Answers, r *http.Request) any {
		return s.list(a.Crossings, r, []string{"rule", "by", "subject", "status"}, Object{"from": a.From})
	})
	s.answer(mux, "subject", []string{"by", "id"}, func(a *Answers, r *http.Request) any {
		if x, ok := a.Subjects[r.FormValue("by")+"/"+r.FormValue("id")]; ok {
			return x
		}
		return &Refusal{Status: http.StatusNotFound, Detail: "nothing is counted of this " + r.FormValue("by")}
	})
	mux.HandleFunc("GET /api/v1/stream", s.serveStream)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	t.Cleanup(s.Cut)
	s.URL = server.URL
	return s
}

var pages = []string{"limit", "after"}

// Answers are those of now.
func (s *Service) Answers() Answers {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.a
}

// Set changes what it says.
func (s *Service) Set(change func(a *Answers)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.a)
}

// Lists is how often a list was asked for.
func (s *Service) Lists() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lists
}

// refusal is what is answered in the place of all; nil: nothing.
func (s *Service) refusal(r *http.Request) *Refusal {
	a := s.Answers()
	if a.Token != "" && r.Header.Get("Authorization") != "Bearer "+a.Token {
		return &Refusal{Status: http.StatusUnauthorized, Detail: "a token is needed"}
	}
	return a.Refusal
}

// answer serves a path of the API, and checks what it says.
func (s *Service) answer(mux *http.ServeMux, path string, known []string, make func(a *Answers, r *http.Request) any) {
	mux.HandleFunc("GET /api/v1/"+path, func(w http.ResponseWriter, r *http.Request) {
		refusal := s.refusal(r)
		for name := range r.URL.Query() {
			if !slices.Contains(known, name) {
				s.t.Errorf("%s: there is no parameter %s", path, name)
			}
		}
		rec := httptest.NewRecorder()
		rec.Header().Set("Cache-Control", "no-store")
		var v any = refusal
		if refusal == nil {
			a := s.Answers()
			v = make(&a, r)
		}
		if x, refused := v.(*Refusal); refused {
			writeProblem(rec, x)
		} else {
			rec.Header().Set("Content-Type", "application/json")
			if err := json.NewEncoder(rec).Encode(v); err != nil {
				s.t.Error(err)
			}
		}
		s.check(r, rec)
		for name, values := range rec.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(rec.Code)
		_, _ = w.Write(rec.Body.Bytes()) // who asked may have gone
	})
}

func writeProblem(w http.ResponseWriter, x *Refusal) {
	w.Header().Set("Content-Type", "application/problem+json")
	if x.After > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(x.After))
	}
	w.WriteHeader(x.Status)
	problem := Object{"type": "about:blank", "title": http.StatusText(x.Status), "status": x.Status, "detail": x.Detail}
	if name, rest, found := strings.Cut(strings.TrimPrefix(x.Detail, "parameter "), ": "); found && rest != x.Detail && x.Status == http.StatusBadRequest {
		problem["parameter"] = name
	}
	if err := json.NewEncoder(w).Encode(problem); err != nil {
		panic(err)
	}
}

// check holds an answer against the document.
func (s *Service) check(r *http.Request, rec *httptest.ResponseRecorder) {
	apitest.CheckAnswer(s.t, r, rec.Result())
}

// list is a page of the items that have what is asked for under some names.
func (s *Service) list(all []Object, r *http.Request, by []string, more Object) any {
	s.mu.Lock()
	s.lists++
	s.mu.Unlock()
	items := []Object{}
	for _, x := range all {
		has := func(name string) bool { return r.FormValue(name) == "" || x[name] == r.FormValue(name) }
		if !slices.ContainsFunc(by, func(name string) bool { return !has(name) }) {
			items = append(items, x)
		}
	}
	limit, begin := 50, 0
	if n, err := strconv.Atoi(r.FormValue("limit")); err == nil {
		limit = n
	}
	if n, err := strconv.Atoi(r.FormValue("after")); err == nil {
		begin = n
	}
	items = items[min(begin, len(items)):]
	var next any
	if len(items) > limit {
		items, next = items[:limit], strconv.Itoa(begin+limit)
	}
	out := Object{"items": items, "next": next}
	for name, v := range more {
		out[name] = v
	}
	return out
}
