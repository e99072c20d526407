package e2e

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// fakeSink is what a sink of `notify` speaks to: an Alertmanager, a webhook or a PagerDuty that does not always do as it should.
type fakeSink struct {
	t       *testing.T
	kind    string
	addr    string
	good    tls.Certificate
	bad     tls.Certificate // of an authority that nobody trusts
	mu      sync.Mutex
	mode    string // ""; or what is wrong
	taken   []delivery
	refused map[string]int // answers that were not 2xx, by mode

	server *http.Server
}

// delivery is a crossing that a sink has taken.
type delivery struct {
	id string
	at time.Time
}

// sinkModes are what may be wrong with a sink, for a while.
var sinkModes = []string{"500", "429", "404", "302", "slow", "cut", "down", "tls"}

func newFakeSink(t *testing.T, kind string, good, bad *servers.Authority) *fakeSink {
	t.Helper()
	s := &fakeSink{t: t, kind: kind, addr: servers.FreeAddr(t), refused: map[string]int{}}
	s.good, s.bad = loadPair(t, good), loadPair(t, bad)
	s.listen(s.good)
	t.Cleanup(func() { _ = s.server.Close() })
	return s
}

func loadPair(t *testing.T, a *servers.Authority) tls.Certificate {
	t.Helper()
	files := a.Issue(servers.Identity{Name: "sink"})
	pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// listen begins to serve, with a certificate.
func (s *fakeSink) listen(cert tls.Certificate) {
	s.t.Helper()
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.server = &http.Server{Handler: s, TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}}, ErrorLog: quietLog}
	server := s.server
	go func() { _ = server.ServeTLS(l, "", "") }()
}

// set changes what is wrong. Requests under way end as they would have, so that nothing is taken without an answer.
func (s *fakeSink) set(mode string) {
	s.t.Helper()
	s.mu.Lock()
	before := s.mode
	s.mode = mode
	s.mu.Unlock()
	if before == "down" || before == "tls" || mode == "down" || mode == "tls" {
		if err := s.server.Shutdown(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
		switch mode {
		case "down":
		case "tls":
			s.listen(s.bad)
		default:
			s.listen(s.good)
		}
	}
}

// ServeHTTP takes what it is sent, or answers as its mode says.
func (s *fakeSink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	mode := s.mode
	s.refused[mode]++
	s.mu.Unlock()
	switch mode {
	case "500", "404":
		http.Error(w, "no", map[string]int{"500": 500, "404": 404}[mode])
		return
	case "refuse":
		http.Error(w, "not that one", http.StatusUnprocessableEntity)
		return
	case "302":
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
		return
	case "429":
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case "cut":
		panic(http.ErrAbortHandler)
	case "slow":
		<-time.After(300 * time.Millisecond)
	case "stuck": // for longer than a session of the group, and shorter than a request may take
		<-time.After(12 * time.Second)
	}
	ids := s.idsOf(r, body)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		s.taken = append(s.taken, delivery{id, time.Now()})
	}
	w.WriteHeader(http.StatusAccepted)
}

// idsOf are the crossings that a request tells of. The summary of a test's crossing is its id.
func (s *fakeSink) idsOf(r *http.Request, body []byte) (ids []string) {
	switch s.kind {
	case "webhook":
		return []string{r.Header.Get("webhook-id")}
	case "pagerduty":
		var e struct {
			Action   string `json:"event_action"`
			DedupKey string `json:"dedup_key"`
		}
		if json.Unmarshal(body, &e) != nil {
			s.t.Errorf("%s", body)
		}
		return []string{e.DedupKey + map[string]string{"trigger": "/1", "resolve": "/0"}[e.Action]}
	}
	var list []struct {
		Annotations map[string]string `json:"annotations"`
		EndsAt      time.Time         `json:"endsAt"`
	}
	if json.Unmarshal(body, &list) != nil {
		s.t.Errorf("%s", body)
	}
	for _, a := range list {
		id := a.Annotations["summary"]
		if !a.EndsAt.After(time.Now()) {
			id = strings.TrimSuffix(id, "/1") + "/0"
		}
		ids = append(ids, id)
	}
	return ids
}

// has is how many different crossings were taken.
func (s *fakeSink) has() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := map[string]bool{}
	for _, d := range s.taken {
		seen[d.id] = true
	}
	return len(seen)
}

// verdict is what is wrong with what a sink has taken.
type verdict struct {
	lost, disordered, unexplained []string
	repeated                      int
}

// judge compares what was taken with what was wanted, by subject in order. A repeat needs a kill between it and the first time. Alerts that go on
// are sent to Alertmanager again and again: of them only what was cleared must not fire again.
func (s *fakeSink) judge(wanted map[string][]string, kills []time.Time) (v verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first, order := map[string]time.Time{}, map[string][]string{}
	killed := func(after, before time.Time) bool {
		return slices.ContainsFunc(kills, func(k time.Time) bool { return !k.Before(after) && !k.After(before) })
	}
	for _, d := range s.taken {
		subject := strings.Split(d.id, "/")[2]
		at, again := first[d.id]
		if !again {
			first[d.id] = d.at
			order[subject] = append(order[subject], d.id)
			continue
		}
		since := at
		if s.kind == "alertmanager" {
			var cleared bool
			if since, cleared = first[strings.TrimSuffix(d.id, "/1")+"/0"]; !cleared || strings.HasSuffix(d.id, "/0") {
				continue
			}
		}
		v.repeated++
		if !killed(since, d.at) {
			v.unexplained = append(v.unexplained, fmt.Sprintf("%s at %v", d.id, d.at.Format("15:04:05.000")))
		}
	}
	for subject, ids := range wanted {
		for _, id := range ids {
			if _, taken := first[id]; !taken {
				v.lost = append(v.lost, id)
			}
		}
		if got := order[subject]; !slices.Equal(got, ids) && len(got) == len(ids) {
			v.disordered = append(v.disordered, subject)
		}
	}
	return v
}
