package alertmanager

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/notify/crossing"
	"github.com/seed-afe14ff2/aggregator/internal/notify/post"
)

// received is an alert as the API gets it.
type received struct {
	Labels, Annotations map[string]string
	StartsAt, EndsAt    time.Time
	GeneratorURL        *string
}

// fake is an Alertmanager.
type fake struct {
	*httptest.Server
	mu       sync.Mutex
	status   int // 0: 200
	requests int
	got      []received
	judge    func(request int, body string) int // the status of an answer to a POST; nil: 200
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.requests++
		if f.status != 0 {
			w.WriteHeader(f.status)
			return
		}
		if r.Method == http.MethodGet {
			return
		}
		body, err := io.ReadAll(r.Body)
		if f.judge != nil {
			if status := f.judge(f.requests, string(body)); status != 200 {
				w.WriteHeader(status)
				return
			}
		}
		var list []received
		if err == nil {
			err = json.Unmarshal(body, &list)
		}
		if err != nil || r.URL.Path != "/am/api/v2/alerts" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %v: %s", r.URL, err, body)
		}
		f.got = append(f.got, list...)
	}))
	t.Cleanup(f.Close)
	return f
}

// take is what came since it was last asked, a line for each alert: subject, level, and when it ends, in minutes from the start of the tests.
func (f *fake) take() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var lines []string
	for _, a := range f.got {
		lines = append(lines, fmt.Sprintf("%s %s until %v", a.Labels["subject"], a.Labels["level"], a.EndsAt.Sub(begin).Minutes()))
	}
	f.got, f.requests = nil, 0
	slices.Sort(lines)
	return strings.Join(lines, "; ")
}

func (f *fake) answer(status int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status = status
}

var begin = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// rig is a sink with a clock of its own.
type rig struct {
	*Sink
	t   *testing.T
	now time.Time
}

func newRig(t *testing.T, urls ...string) *rig {
	t.Helper()
	x := &rig{t: t, now: begin}
	client := post.New(nil)
	t.Cleanup(client.Close)
	x.Sink = New(Options{
		Client: client, URLs: urls, Active: 24 * time.Hour, Labels: map[string]string{"team": "trust"}, Now: func() time.Time { return x.now },
		Board: func(by, subject string) string { return "https://board.example/subjects/" + by + "/" + subject },
	})
	return x
}

// made is a crossing of rule r; level "0" is a clear. It was crossed so many minutes after the start of the tests.
func made(t *testing.T, subject string, episode int, level string, minutes int) *crossing.Crossing {
	t.Helper()
	status := "crossed"
	if level == "0" {
		status = "cleared"
	}
	c, err := crossing.Of(fmt.Appendf(nil,
		`{"id":"r/incident/%s/%d/%s","status":%q,"severity":"critical","summary":"S","pack":"p","rule":"r","title":"T","cite":"C","by":"incident","subject":%q,"level":%s,"episode":%d,"measures":{"a-b.c":{"value":7,"limit":5}},"time":%q,"notice":"N"}`,
		subject, episode, level, status, subject, level, episode, begin.Add(time.Duration(minutes)*time.Minute).Format(time.RFC3339)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (x *rig) deliver(subject string, episode int, level string, minutes int) {
	x.t.Helper()
	if err := x.Deliver(x.t.Context(), made(x.t, subject, episode, level, minutes)); err != nil {
		x.t.Error(err)
	}
}

// again lets time pass, and returns how many alerts are kept after a round.
func (x *rig) again(minutes int) int {
	x.t.Helper()
	x.now = x.now.Add(time.Duration(minutes) * time.Minute)
	kept, _, refused, err := x.round(x.t.Context())
	if err != nil || refused != nil {
		x.t.Error(err, refused)
	}
	return kept
}

// sent checks what came.
func sent(t *testing.T, f *fake, want string) {
	t.Helper()
	if got := f.take(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestAlert: what an alert has.
func TestAlert(t *testing.T) {
	am := newFake(t)
	x := newRig(t, am.URL+"/am/")
	x.deliver("x", 1, "0.8", -5)
	a := am.got[0]
	labels := map[string]string{
		"alertname": "ThresholdCrossed", "rule": "r", "pack": "p", "by": "incident", "subject": "x", "level": "0.8", "severity": "critical", "team": "trust",
	}
	annotations := map[string]string{"summary": "S", "title": "T", "cite": "C", "notice": "N", "value_a_b_c": "7", "limit_a_b_c": "5"}
	if fmt.Sprint(a.Labels) != fmt.Sprint(labels) || fmt.Sprint(a.Annotations) != fmt.Sprint(annotations) {
		t.Errorf("%v %v", a.Labels, a.Annotations)
	}
	if *a.GeneratorURL != "https://board.example/subjects/incident/x" || !a.StartsAt.Equal(begin.Add(-5*time.Minute)) || !a.EndsAt.Equal(begin.Add(24*time.Hour-5*time.Minute)) {
		t.Errorf("%s from %v to %v", *a.GeneratorURL, a.StartsAt, a.EndsAt)
	}
	if err := x.Reach(t.Context()); err != nil {
		t.Error(err)
	}
	am.Close()
	if err := x.Reach(t.Context()); err == nil {
		t.Error("it is not there")
	}
}

// TestLife: an alert is sent again every minute until it ends by itself.
func TestLife(t *testing.T) {
	am := newFake(t)
	x := newRig(t, am.URL+"/am")
	x.deliver("x", 1, "0.8", 0)
	sent(t, am, "x 0.8 until 1440")
	x.again(1)
	sent(t, am, "x 0.8 until 1440")
	x.again(1438)
	sent(t, am, "x 0.8 until 1440")
	if kept := x.again(1); kept != 0 {
		t.Errorf("%d are kept", kept)
	}
	sent(t, am, "")
	x.deliver("late", 1, "1", -1440) // it would be over: a quarter of an hour is the least
	sent(t, am, "late 1 until 1455")
	x.again(14)
	sent(t, am, "late 1 until 1455")
	x.again(1)
	sent(t, am, "")
}

// TestClear: a clear ends all levels of its episode, at its date, and is sent again for five minutes, or until the rule crosses again.
func TestClear(t *testing.T) {
	am := newFake(t)
	x := newRig(t, am.URL+"/am")
	x.deliver("x", 1, "0.5", 0)
	x.deliver("x", 1, "1", 1)
	x.deliver("y", 1, "1", 1)
	am.take()
	x.now = begin.Add(10 * time.Minute)
	x.deliver("x", 1, "0", 8)
	sent(t, am, "x 0.5 until 8; x 1 until 8")
	x.again(4)
	sent(t, am, "x 0.5 until 8; x 1 until 8; y 1 until 1441")
	x.again(1)
	sent(t, am, "y 1 until 1441")
	x.deliver("x", 1, "1", 1) // it comes twice, and its episode is over
	sent(t, am, "")
	x.deliver("x", 2, "0.5", 15)
	x.deliver("x", 2, "0", 16) // which is still to come
	sent(t, am, "x 0.5 until 1455; x 0.5 until 15")
	x.deliver("x", 3, "0.5", 17)
	am.take()
	x.again(1)
	sent(t, am, "x 0.5 until 1457; y 1 until 1441")
	x.deliver("z", 4, "0", 15) // of which nothing is known
	sent(t, am, "")
}

// TestEpisodesAnew: when Redis has begun anew, episodes begin at 1 again. What is later than the clear fires, and its own clear ends it.
func TestEpisodesAnew(t *testing.T) {
	am := newFake(t)
	x := newRig(t, am.URL+"/am")
	x.deliver("x", 5, "1", 0)
	x.deliver("x", 5, "0", 10)
	am.take()
	x.deliver("x", 1, "1", 10) // a recount finds it again
	sent(t, am, "")
	x.now = begin.Add(20 * time.Minute)
	x.deliver("x", 1, "1", 11)
	sent(t, am, "x 1 until 1451")
	x.deliver("x", 1, "0", 12)
	sent(t, am, "x 1 until 12")
	x.deliver("x", 1, "1", 11) // it comes twice
	sent(t, am, "")

	x.deliver("y", 5, "1", 0)
	x.deliver("y", 1, "1", 15) // nobody has cleared the one before
	x.deliver("y", 1, "0", 16)
	am.take()
	x.again(1)
	sent(t, am, "x 1 until 12; y 1 until 16")
}

// TestClearedBefore: a clear does not end an alert before it began.
func TestClearedBefore(t *testing.T) {
	am := newFake(t)
	x := newRig(t, am.URL+"/am")
	x.deliver("x", 1, "1", 3) // ahead
	x.deliver("x", 1, "0", 3)
	sent(t, am, "x 1 until 1443; x 1 until 3")
}

// TestFailure: what was not taken changes nothing, and is tried again by whoever delivers.
func TestFailure(t *testing.T) {
	am := newFake(t)
	x := newRig(t, am.URL+"/am")
	x.deliver("x", 1, "1", 0)
	am.take()
	am.answer(500)
	if err := x.Deliver(t.Context(), made(t, "x", 1, "0", 1)); err == nil || post.Final(err) {
		t.Errorf("%v", err)
	}
	if _, _, _, err := x.round(t.Context()); err == nil {
		t.Error("the round went well")
	}
	am.answer(0)
	x.again(2)
	sent(t, am, "x 1 until 1440")
	x.deliver("x", 1, "0", 1)
	sent(t, am, "x 1 until 1")
	am.answer(400)
	if err := x.Deliver(t.Context(), made(t, "x", 2, "1", 1)); !post.Final(err) {
		t.Errorf("%v", err)
	}
}

// TestSeveral: one of several is enough; the others hear of it within a minute of coming back.
func TestSeveral(t *testing.T) {
	a, b := newFake(t), newFake(t)
	x := newRig(t, a.URL+"/am", b.URL+"/am")
	x.deliver("x", 1, "1", 0)
	sent(t, a, "x 1 until 1440")
	sent(t, b, "x 1 until 1440")
	b.answer(503)
	x.deliver("y", 1, "1", 0)
	x.deliver("z", 1, "1", 0)
	sent(t, a, "y 1 until 1440; z 1 until 1440")
	if b.requests != 1 {
		t.Errorf("the one that fails was asked %d times", b.requests)
	}
	b.answer(0)
	x.again(1)
	sent(t, b, "x 1 until 1440; y 1 until 1440; z 1 until 1440")
	a.answer(400)
	b.answer(503)
	if err := x.Deliver(t.Context(), made(t, "w", 1, "1", 1)); err == nil || post.Final(err) {
		t.Errorf("one may still take it: %v", err)
	}
	b.answer(422)
	x.now = x.now.Add(2 * time.Minute)
	if err := x.Deliver(t.Context(), made(t, "w", 1, "1", 1)); !post.Final(err) {
		t.Errorf("%v", err)
	}
}

// TestRefused: what answers 400 is believed once it has taken something, or speaks as Alertmanager does.
func TestRefused(t *testing.T) {
	f := func(text string, final bool) {
		t.Helper()
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, text, http.StatusBadRequest) }))
		defer s.Close()
		x := newRig(t, s.URL)
		if err := x.Deliver(t.Context(), made(t, "x", 1, "1", 0)); err == nil || post.Final(err) != final {
			t.Errorf("%s: %v", text, err)
		}
	}
	f(`"\"foo-bar\" is not a valid label name"`, true)
	f(`{"code":400,"message":"parsing alerts body from \"\" failed"}`, true)
	f("<html><h1>Bad Request</h1>", false)
	f("", false)
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	x := newRig(t, "http"+strings.TrimPrefix(secure.URL, "https"))
	if err := x.Deliver(t.Context(), made(t, "x", 1, "1", 0)); err == nil || post.Final(err) || post.Kind(err) != "tls" {
		t.Errorf("%v", err)
	}
}

func TestCheckLabel(t *testing.T) {
	for name, ok := range map[string]bool{"team": true, "_x9": true, "9x": false, "a-b": false, "": false, "ü": false, "severity": false, "alertname": false} {
		if err := CheckLabel(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}
