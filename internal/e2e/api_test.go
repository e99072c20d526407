package e2e

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/api/apitest"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// api is what a path of the API says, below /api/v1/. What it says is as documented.
func (d *daemon) api(path string) (status int, body string) {
	d.t.Helper()
	status, body = d.Get("/api/v1/" + path)
	if status == 0 {
		return status, body
	}
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/json")
	if status != http.StatusOK {
		w.Header().Set("Content-Type", "application/problem+json")
	}
	w.WriteHeader(status)
	w.Body.WriteString(body)
	apitest.CheckAnswer(d.t, httptest.NewRequest(http.MethodGet, "/api/v1/"+path, http.NoBody), w.Result())
	return status, body
}

// awaitAPI waits until a path says what holds all of some texts, and returns it.
func (d *daemon) awaitAPI(path string, texts ...string) string {
	d.t.Helper()
	var body string
	var status int
	ok := within(time.Minute, func() bool {
		status, body = d.api(path)
		return status == http.StatusOK && containsAll(body, texts)
	})
	if !ok {
		d.t.Fatalf("%s: /api/v1/%s says %d %s, want %q", d.Name, path, status, body, texts)
	}
	return body
}

// pushed is an event of the stream.
type pushed struct{ name, id, data string }

// stream follows the stream of a daemon, from an event on; "": from now on. It returns when the daemon answers.
func (d *daemon) stream(last string) <-chan pushed {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, "http://"+d.HTTP+"/api/v1/stream", http.NoBody)
	if err != nil {
		d.t.Fatal(err)
	}
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		d.t.Fatalf("%s: stream: %s", d.Name, res.Status)
	}
	out := make(chan pushed, 1_000)
	go func() {
		defer close(out)
		defer res.Body.Close()
		var e pushed
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			switch name, text, _ := strings.Cut(lines.Text(), ": "); name {
			case "event":
				e.name = text
			case "id":
				e.id = text
			case "data":
				e.data = text
			case "":
				out <- e
				e = pushed{}
			}
		}
	}()
	return out
}

// awaitEvent waits for an event of a name whose data holds a text.
func awaitEvent(t *testing.T, events <-chan pushed, name, text string) pushed {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		select {
		case e, ok := <-events:
			if !ok {
				t.Fatalf("the stream ended before %s %s", name, text)
			}
			if e.name == name && strings.Contains(e.data, text) {
				return e
			}
		case <-deadline:
			t.Fatalf("no %s with %s", name, text)
		}
	}
}

// TestAPI: two processes of a group say the same of the whole group, and the stream of one is resumed at the other.
func TestAPI(t *testing.T) {
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 4, redis: redis.Addr(), pack: threePack})
	a, b := s.start("a"), s.start("b")
	for _, d := range []*daemon{a, b} {
		d.AwaitReady()
		d.awaitAPI("crossings", `"items":[]`, `"from":null`)
	}
	stream := a.stream("")
	awaitEvent(t, stream, "status", `"stream_time":null`)
	s.produce(three("A")...)
	published := time.Now()
	first := awaitEvent(t, stream, "crossing", `"id":"three/incident/A/1/1"`)
	t.Logf("a crossing is on the stream %v after its event was safe", time.Since(published))
	for _, d := range []*daemon{a, b} { // each knows what the other read
		eventually(t, d.Name+" says how many events a second are read", func() bool {
			var status struct{ Rates struct{ Events float64 } }
			_, body := d.api("status")
			return json.Unmarshal([]byte(body), &status) == nil && status.Rates.Events > 0
		})
	}
	s.produce(three("B/..?#%<b>\u202e")...)
	awaitEvent(t, stream, "crossing", `"subject":"B/..?#%`)
	awaitEvent(t, b.stream(first.id), "crossing", `"subject":"B/..?#%`)

	s.awaitDone()
	odd := url.PathEscape("B/..?#%<b>\u202e")
	s.produce(clicks("C", 0, "C1")...)
	s.produce(clicks("D", 0, "D1", "D2")...)
	a.awaitAPI("subjects?max_progress=0.9", `"items":[{"rule":"three","by":"incident","subject":"D","progress":0.6666,"level":0,"episode":1,"measures":{"clicks":{"value":2,"limit":3,"at_least":false}}`, `"subject":"C","progress":0.3333`)
	b.awaitAPI("rules", `"near":3,"over":2`)
	for _, path := range []string{
		"subjects", "subjects?limit=1", "subjects?by=incident&rule=three&min_progress=0.34", "subjects?by=account", "subjects?since=2100-01-01T00:00:00Z", "subjects?max_progress=0.34", "subjects/incident/D",
		"crossings", "crossings?limit=1", "crossings?subject=A", "crossings?by=account", "crossings/three%2Fincident%2FA%2F1%2F1", "crossing?id=three/incident/A/1/1",
		"subjects/incident/A", "subjects/incident/" + odd, "subject?by=incident&id=" + odd, "rules", "rules?limit=1", "openapi.json", "subjects/incident/nobody", "crossings/none", "subjects?by=x",
	} {
		one, other := "1", "2"
		var status int
		if !within(10*time.Second, func() bool {
			status, one = a.api(path)
			_, other = b.api(path)
			return one == other
		}) {
			t.Errorf("%s: one says %s, the other %s", path, one, other)
		}
		t.Logf("%s: %d %.300s", path, status, one)
	}
	body := ""
	eventually(t, "no partition lags", func() bool {
		body = a.awaitAPI("status", `"lag_records":0`, `"last_hour":2`, `"entries":0`)
		return strings.Count(body, `"lag_records":0`) == 4
	})
	var status struct {
		Partitions []struct {
			Owner       *string
			Offset, End *int64
		}
	}
	if err := json.Unmarshal([]byte(body), &status); err != nil || len(status.Partitions) != 4 {
		t.Fatalf("%v: %s", err, body)
	}
	for _, p := range status.Partitions {
		if p.Owner == nil || *p.Owner != "aggregator at 127.0.0.1" || *p.Offset != *p.End {
			t.Errorf("got %s", body)
		}
	}
	var page struct{ Next string }
	if _, body := a.api("crossings?limit=1"); json.Unmarshal([]byte(body), &page) != nil || page.Next == "" {
		t.Errorf("no cursor: %s", body)
	}
	a.tryDocs(page.Next)
	b.Stop()
	a.Stop()
	if _, open := <-stream; open {
		for range stream {
		}
	}
}

var asked = regexp.MustCompile(`http://127\.0\.0\.1:8080(/api/v1/[^'\s]*)`)

// tryDocs asks for what docs/api.md asks for.
func (d *daemon) tryDocs(cursor string) {
	d.t.Helper()
	page, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		d.t.Fatal(err)
	}
	all := asked.FindAllStringSubmatch(string(page), -1)
	if len(all) < 5 {
		d.t.Errorf("docs/api.md asks for %d paths", len(all))
	}
	for _, m := range all {
		path := strings.TrimPrefix(strings.ReplaceAll(m[1], "CURSOR", cursor), "/api/v1/")
		if path == "stream" {
			continue // which does not end
		}
		if status, body := d.api(path); status != http.StatusOK {
			d.t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

// TestAPIWithoutServers: while Redis or Kafka is away the API says so, and comes back by itself.
func TestAPIWithoutServers(t *testing.T) {
	t.Parallel()
	kafka, redis := servers.Kafka(t, servers.KafkaOptions{}), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 2, redis: redis.Addr(), pack: threePack})
	d := s.start("aggregator")
	d.mayLogErrors = true
	s.produce(three("A")...)
	d.awaitAPI("subjects/incident/A", `"crossings":[{`)
	d.awaitAPI("status", `"last_day":1`)
	stream := d.stream("")
	away := func(paths ...string) {
		t.Helper()
		for _, path := range paths {
			began := time.Now()
			if !within(20*time.Second, func() bool { status, _ := d.api(path); return status == http.StatusServiceUnavailable }) {
				t.Errorf("%s does not say that a server is away", path)
			}
			status, body := d.api(path)
			t.Logf("%s: %d %s within %v", path, status, body, time.Since(began))
		}
	}
	redis.Stop()
	away("status", "subjects/incident/A")
	awaitEvent(t, stream, "problem", `"status":503`)
	if status, _ := d.api("crossings"); status != http.StatusOK {
		t.Errorf("crossings, which are not in Redis: %d", status)
	}
	redis.Restart()
	d.awaitAPI("status", `"last_day":1`)
	awaitEvent(t, stream, "status", `"last_day":1`)
	s.produce(three("B")...)
	awaitEvent(t, stream, "crossing", `"three/incident/B/1/1"`)

	kafka.Broker(0).Pause()
	away("status", "crossings", "subjects/incident/A")
	awaitEvent(t, stream, "problem", `"status":503`)
	kafka.Broker(0).Resume()
	d.awaitAPI("status", `"last_day":2`)
	s.produce(three("C")...)
	awaitEvent(t, stream, "crossing", `"three/incident/C/1/1"`)
	d.Stop()
}
