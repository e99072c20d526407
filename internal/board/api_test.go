package board

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/api"
)

func TestErrors(t *testing.T) {
	s := newSite(t)
	f := func(path string, status int, parameter, detail string) {
		t.Helper()
		a := s.get(path)
		var p struct {
			Type, Title, Detail, Parameter string
			Status                         int
		}
		if err := json.Unmarshal([]byte(a.body), &p); err != nil {
			t.Fatalf("%s: %v: %s", path, err, a.body)
		}
		if a.status != status || p.Status != status || p.Title != http.StatusText(status) || p.Type == "" || p.Parameter != parameter || !strings.Contains(p.Detail, detail) {
			t.Errorf("%s: got %d %s, want %d, parameter %q, %q", path, a.status, a.body, status, parameter, detail)
		}
		if kind := a.header.Get("Content-Type"); kind != "application/problem+json" {
			t.Errorf("%s: Content-Type %s", path, kind)
		}
	}
	for _, path := range []string{"status", "rules", "subjects", "crossings", "stream", "openapi.json", "subjects/incident/A", "crossings/x", "packs/x"} {
		f("/api/v1/"+path+"?nonsense=1", 400, "nonsense", "there is no such parameter")
	}
	f("/api/v1/subjects?by=incident&by=account", 400, "by", "twice")
	f("/api/v1/subjects?by=canary", 400, "by", "kind of subject")
	f("/api/v1/subjects?rule=none", 400, "rule", "no rule in force")
	f("/api/v1/subjects?min_progress=-1", 400, "min_progress", "not negative")
	f("/api/v1/subjects?min_progress=1e9", 400, "min_progress", "not negative")
	f("/api/v1/subjects?max_progress=NaN", 400, "max_progress", "not negative")
	f("/api/v1/subjects?since=yesterday", 400, "since", "RFC 3339")
	f("/api/v1/subjects?after=AAAA", 400, "after", "cursor")
	f("/api/v1/subjects?limit=0", 400, "limit", "from 1 to 1000")
	f("/api/v1/subjects?limit=1001", 400, "limit", "from 1 to 1000")
	f("/api/v1/subjects?limit=99999999999999999999", 400, "limit", "from 1 to 1000")
	f("/api/v1/rules?limit=-1", 400, "limit", "from 1 to 1000")
	f("/api/v1/rules?after=%21", 400, "after", "cursor")
	f("/api/v1/crossings?by=x", 400, "by", "kind of subject")
	f("/api/v1/crossings?status=open", 400, "status", "crossed or cleared")
	f("/api/v1/crossings?shadow=true", 400, "shadow", "kafka.shadow")
	f("/api/v1/crossings?shadow=1", 400, "shadow", "true or false")
	f("/api/v1/crossings?after=x", 400, "after", "cursor")
	for _, text := range []string{"null", "{}", `{"t":1,"p":0}`, `{"t":1,"p":0,"o":0,"x":1}`, `{"T":1,"p":0,"o":0}`, ` {"t":1,"p":0,"o":0}`, `{"t":1,"p":0,"o":0}{}`, "[]"} {
		f("/api/v1/crossings?after="+base64.RawURLEncoding.EncodeToString([]byte(text)), 400, "after", "cursor")
		f("/api/v1/rules?after="+base64.RawURLEncoding.EncodeToString([]byte(text)), 400, "after", "cursor")
	}
	for _, text := range []string{"2026-01-01T1:00:00Z", "2026-01-01T01:00:00,5Z", "2026-01-01t01:00:00Z", "2026-01-01T01:00:00", "2026-01-01T01:00:00+24:00", "2026-02-30T01:00:00Z", "2026-01-01T01:00:00.1234567891Z"} {
		f("/api/v1/crossings?since="+text, 400, "since", "RFC 3339")
	}
	f("/api/v1/crossings?subject=%ff", 400, "subject", "UTF-8")
	f("/api/v1/crossings?a;b", 400, "", "query")
	f("/api/v1/crossing", 400, "id", "missing")
	f("/api/v1/crossing?id=x", 404, "", "no crossing")
	f("/api/v1/crossings/x", 404, "", "no crossing")
	f("/api/v1/subject?by=incident", 400, "id", "missing")
	f("/api/v1/subject?id=A", 400, "by", "missing")
	f("/api/v1/subject?by=x&id=A", 400, "by", "kind of subject")
	f("/api/v1/subjects/canary/A", 404, "", "no such kind")
	f("/api/v1/subjects/incident/nobody", 404, "", "nothing is counted")
	f("/api/v1/packs/x", 404, "", "no pack of this hash")
	f("/api/v1/nothing", 404, "", "nothing at this path")
	f("/api/", 404, "", "nothing at this path")
}

func TestMethods(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"status", "rules", "subjects", "subjects/incident/A", "crossings", "crossings/x", "packs/x", "stream", "openapi.json"} {
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS"} {
			a := s.ask(method, "/api/v1/"+path)
			if a.status != 405 || a.header.Get("Allow") != "GET" || a.header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s %s: %d %v", method, path, a.status, a.header)
			}
		}
	}
}

func TestAway(t *testing.T) {
	s := newSite(t)
	s.fakes.fail(errDown)
	for _, path := range []string{"status", "rules", "subjects", "subjects/incident/A"} {
		a := s.get("/api/v1/" + path)
		if a.status != 503 || a.header.Get("Retry-After") != "5" || !strings.Contains(a.body, errDown.Error()) {
			t.Errorf("%s: %d %v %s", path, a.status, a.header, a.body)
		}
	}
	s.fakes.fail(nil)
	if a := s.get("/api/v1/rules"); a.status != 200 {
		t.Errorf("got %d", a.status)
	}
	s.sources.Crossings = newTail(t) // of which nothing was read yet
	for _, path := range []string{"crossings", "crossings/x", "crossing?id=x", "stream"} {
		if a := s.get("/api/v1/" + path); a.status != 503 || a.header.Get("Retry-After") == "" {
			t.Errorf("%s: %d %v %s", path, a.status, a.header, a.body)
		}
	}
}

func TestNotConnected(t *testing.T) {
	s := newSite(t)
	s.Board.sources.Store(nil)
	for _, path := range []string{"status", "crossings", "stream"} {
		if a := s.get("/api/v1/" + path); a.status != 503 || a.header.Get("Retry-After") == "" {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if a := s.get("/api/v1/openapi.json"); a.status != 200 || a.body != string(api.OpenAPI()) {
		t.Errorf("got %d", a.status)
	}
}

// TestPack: the text of a pack in force, where its rules begin, and how its tests went.
func TestPack(t *testing.T) {
	s := newSite(t)
	p := s.sources.Program.Packs()[0]
	f := func(passed string) {
		t.Helper()
		var got packFile
		a := s.get("/api/v1/packs/" + p.Hash)
		if err := json.Unmarshal([]byte(a.body), &got); err != nil {
			t.Fatal(err)
		}
		if got.Pack != "example" || got.Hash != p.Hash || got.Text != packText || !strings.Contains(a.body, passed) {
			t.Errorf("got %s", a.body)
		}
		lines := strings.Split(packText, "\n")
		for _, id := range []string{"clicks", "ever", "own"} {
			if n := got.Lines[id]; n == 0 || !strings.Contains(lines[n-1], "id: "+id) {
				t.Errorf("%s begins in line %d", id, n)
			}
		}
	}
	f(`"tests":{"passed":1,"failed":[]}`)
	s.RulesInForce(Rules{Failing: map[string][]string{p.Hash: {"example.yaml:9:5: tests[0]: it differs"}}})
	f(`"tests":{"passed":0,"failed":["example.yaml:9:5: tests[0]: it differs"]}`)
}

func TestStatus(t *testing.T) {
	s := newSite(t)
	s.cross(0, 0, time.Now().Add(-2*time.Hour), s.record("clicks", "A", 5000, 1))
	s.cross(1, 0, time.Now(), s.record("clicks", "A", 10000, 1))
	s.cross(1, 1, time.Now(), s.record("clicks", "A", 10000, 1)) // a repeat
	s.cross(1, 2, time.Now(), s.record("clicks", "A", 0, 1))     // a clear
	a := s.get("/api/v1/status")
	for _, want := range []string{
		`"version":"1.2.3"`, `"group":"aggregator"`, `"stream_time":"2026-01-01T00:00:00Z"`, `"last_hour":1,"last_day":2`,
		`{"topic":"events","partition":0,"owner":"aggregator at 127.0.0.1","offset":7,"end":9,"lag_records":2,"lag_seconds":60`,
		`{"topic":"events","partition":1,"owner":null,"offset":null,"end":3,"lag_records":null,"lag_seconds":null}`,
		`"rates":{"events":10,`, `"outbox":{"entries":1,"oldest_seconds":1`, `"rules":3,"loaded":"`, `"error":null`, `"unannounced":{"clicks":2}`, `"pack":"example","hash":"`,
	} {
		if !strings.Contains(a.body, want) {
			t.Errorf("%s is not in %s", want, a.body)
		}
	}
}

func TestRules(t *testing.T) {
	s := newSite(t)
	a := s.get("/api/v1/rules")
	for _, want := range []string{
		`"rule":"clicks","title":"Clicks","cite":"art. 1","pack":"example"`, `"by":"incident","window":"30d","step":"1d","limits":{"clicks":100,"readers":50},"combine":"any","levels":[0.5,1],"clear":0.4,"shadow":false,"near":7,"over":2}`,
		`"window":"all","step":null,"limits":{"readers":1000},"combine":"any","levels":[0.8,1],"clear":null,"shadow":false,"near":0,"over":0}`, `"combine":"at-least-1"`, `"next":null`,
	} {
		if !strings.Contains(a.body, want) {
			t.Errorf("%s is not in %s", want, a.body)
		}
	}
	var got []string
	for cursor := ""; ; {
		var page list[rule]
		if err := json.Unmarshal([]byte(s.get("/api/v1/rules?limit=1&after="+cursor).body), &page); err != nil {
			t.Fatal(err)
		}
		got = append(got, page.Items[0].Rule)
		if page.Next == nil {
			break
		}
		cursor = *page.Next
	}
	if all := strings.Join(got, " "); all != "clicks ever own" {
		t.Errorf("got %s", all)
	}
}
