package pagerduty

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/notify/crossing"
	"github.com/seed-afe14ff2/aggregator/internal/notify/post"
)

func parse(t *testing.T, text string) *crossing.Crossing {
	t.Helper()
	c, err := crossing.Of([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sent is what the API gets of a crossing.
func sent(t *testing.T, text string) map[string]any {
	t.Helper()
	got := map[string]any{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.Unmarshal(body, &got)
		}
		if err != nil || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%v: %s", err, body)
		}
		w.WriteHeader(http.StatusAccepted)
	}))
	defer s.Close()
	sink := New(Options{Client: post.New(nil), URL: s.URL, RoutingKey: "R", Board: func(by, subject string) string { return "https://b/" + by + "/" + subject }})
	defer sink.Client.Close()
	if err := sink.Deliver(t.Context(), parse(t, text)); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestDeliver(t *testing.T) {
	const crossed = `{"id":"r/incident/x/3/0.8","dedup_key":"r/incident/x/3","status":"crossed","severity":"warning","summary":"S","pack":"p","rule":"r","by":"incident","subject":"x","level":0.8,"episode":3,"time":"2026-11-22T10:00:03Z","measures":{"m":{"value":4,"limit":5}}}`
	got := sent(t, crossed)
	payload, _ := got["payload"].(map[string]any)
	details, _ := payload["custom_details"].(map[string]any)
	if got["routing_key"] != "R" || got["event_action"] != "trigger" || got["dedup_key"] != "r/incident/x/3" || got["client_url"] != "https://b/incident/x" ||
		payload["summary"] != "S" || payload["source"] != "incident/x" || payload["severity"] != "warning" || payload["timestamp"] != "2026-11-22T10:00:03Z" ||
		payload["component"] != "r" || payload["group"] != "p" || details["id"] != "r/incident/x/3/0.8" {
		t.Errorf("%v", got)
	}
	got = sent(t, `{"id":"r/incident/x/3/0","dedup_key":"r/incident/x/3","status":"cleared","severity":"info","rule":"r","by":"incident","subject":"x","level":0,"episode":3,"time":"2026-11-22T10:00:03Z"}`)
	if len(got) != 3 || got["event_action"] != "resolve" || got["dedup_key"] != "r/incident/x/3" {
		t.Errorf("%v", got)
	}
}

// TestLongKeys: a key that PagerDuty would cut is shortened, the same for a trigger and its resolve, and differently for another key.
func TestLongKeys(t *testing.T) {
	key := func(status, level, subject string) string {
		dedup := "r/incident/" + subject + "/1"
		text, err := json.Marshal(map[string]any{
			"id": dedup + "/" + level, "dedup_key": dedup, "status": status, "rule": "r", "by": "incident", "subject": subject, "level": json.Number(level), "episode": 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		return sent(t, string(text))["dedup_key"].(string)
	}
	f := func(subject string, shortened bool) string {
		t.Helper()
		a, b := key("crossed", "1", subject), key("cleared", "0", subject)
		if a != b || len(a) > keyMost || (a != "r/incident/"+subject+"/1") != shortened || strings.ContainsRune(a, '\uFFFD') {
			t.Errorf("%d bytes: %q, %q", len(subject), a, b)
		}
		return a
	}
	f(strings.Repeat("x", 255-len("r/incident//1")), false)
	f(strings.Repeat("x", 256-len("r/incident//1")), true)
	if f(strings.Repeat("x", 299)+"1", true) == f(strings.Repeat("x", 299)+"2", true) {
		t.Error("two keys become one")
	}
	for n := range 4 { // wherever the cut falls
		f(strings.Repeat("x", n)+strings.Repeat("界", 100), true)
	}
}

// TestLimits: what would be refused as too long is cut, and a severity that PagerDuty does not know becomes one that it does.
func TestLimits(t *testing.T) {
	text, err := json.Marshal(map[string]any{
		"id": "i", "dedup_key": "d", "status": "crossed", "severity": "new", "summary": strings.Repeat("界", 2000), "rule": "r", "by": "incident",
		"subject": strings.Repeat("s", 900), "level": 1, "episode": 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	payload := sent(t, string(text))["payload"].(map[string]any)
	summary, source := payload["summary"].(string), payload["source"].(string)
	if len(summary) > summaryMost || !strings.HasSuffix(summary, "界...") || len(source) > sourceMost || payload["severity"] != "error" {
		t.Errorf("%d, %d, %v", len(summary), len(source), payload["severity"])
	}
	if New(Options{}).URL != DefaultURL {
		t.Error("the default is not PagerDuty")
	}
}

// TestRefused: which answers are about an event, and not about the sink.
func TestRefused(t *testing.T) {
	f := func(text string, final bool) {
		t.Helper()
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, text, http.StatusBadRequest) }))
		defer s.Close()
		sink := New(Options{Client: post.New(nil), URL: s.URL, RoutingKey: "R"})
		defer sink.Client.Close()
		err := sink.Deliver(t.Context(), parse(t, `{"id":"i","dedup_key":"d","status":"crossed","rule":"r","by":"incident","subject":"x","level":1,"episode":1}`))
		if post.Final(err) != final {
			t.Errorf("%s: %v", text, err)
		}
	}
	f(`{"status":"invalid event","message":"Event object is invalid","errors":["'payload.summary' is too long"]}`, true)
	f(`{"status":"invalid event","message":"Event object is invalid","errors":["Length of 'routing_key' is incorrect (should be 32 characters)"]}`, false)
	f(`{"status":"invalid event","message":"Event object is invalid","errors":["Invalid routing key"]}`, false)
	f("<html><h1>Bad Request</h1>", false)
	f("Client sent an HTTP request to an HTTPS server.", false)
}

func TestCheckKey(t *testing.T) {
	for key, ok := range map[string]bool{
		strings.Repeat("aZ09", 8): true, "": false, "R": false, strings.Repeat("a", 31): false, strings.Repeat("a", 33): false,
		strings.Repeat("-", 32): false, strings.Repeat("ü", 16): false, strings.Repeat("a", 31) + "\n": false,
	} {
		if err := CheckKey(key); (err == nil) != ok {
			t.Errorf("%q: %v", key, err)
		}
	}
}

// TestRepeats: what comes twice opens no incident that was resolved.
func TestRepeats(t *testing.T) {
	var actions []string
	status := http.StatusAccepted
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var e event
		if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
			t.Error(err)
		}
		actions = append(actions, e.Action)
		w.WriteHeader(status)
	}))
	defer s.Close()
	sink := New(Options{Client: post.New(nil), URL: s.URL, RoutingKey: "R"})
	defer sink.Client.Close()
	f := func(subject, state, at, want string) {
		t.Helper()
		actions = nil
		level := map[string]string{"crossed": "1", "cleared": "0"}[state]
		err := sink.Deliver(t.Context(), parse(t, `{"id":"r/incident/`+subject+`/1/`+level+`","dedup_key":"r/incident/`+subject+`/1","status":"`+state+
			`","rule":"r","by":"incident","subject":"`+subject+`","level":`+level+`,"episode":1,"time":"2026-11-22T`+at+`:00Z"}`))
		if got := strings.Join(actions, " "); got != want || (err == nil) != (status == http.StatusAccepted) {
			t.Errorf("%s %s: got %q, want %q; %v", subject, state, got, want, err)
		}
	}
	f("x", "crossed", "10:00", "trigger")
	f("x", "crossed", "10:00", "trigger")
	status = http.StatusServiceUnavailable
	f("x", "cleared", "11:00", "resolve")
	status = http.StatusAccepted
	f("x", "crossed", "10:00", "trigger") // the clear was not taken
	f("x", "cleared", "11:00", "resolve")
	f("x", "crossed", "10:00", "")
	f("x", "cleared", "11:00", "resolve")
	f("x", "crossed", "10:30", "")
	f("y", "crossed", "10:00", "trigger")
	f("x", "crossed", "11:01", "trigger") // Redis has begun anew
	for i := range mostResolved {
		sink.resolved.add(&crossing.Crossing{DedupKey: strconv.Itoa(i)})
	}
	f("x", "crossed", "10:00", "trigger")
	if len(sink.resolved.dates) != mostResolved || len(sink.resolved.oldest) != mostResolved {
		t.Errorf("%d clears are known", len(sink.resolved.dates))
	}
}
