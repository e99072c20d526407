package board

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/tail"
)

// idsOf are the ids of a list of crossings.
func idsOf(t *testing.T, body string) (ids []string, next string) {
	t.Helper()
	var page struct {
		Items []struct{ ID string }
		Next  *string
	}
	if err := json.Unmarshal([]byte(body), &page); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	for _, x := range page.Items {
		ids = append(ids, x.ID)
	}
	if page.Next != nil {
		next = *page.Next
	}
	return ids, next
}

func TestCrossings(t *testing.T) {
	s := newSite(t)
	t0 := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s.cross(0, 0, t0, s.record("clicks", "A", 5000, 1))
	s.cross(1, 0, t0.Add(time.Second), s.record("clicks", "B", 5000, 1))
	s.cross(0, 1, t0.Add(2*time.Second), s.record("clicks", "A", 10000, 1))
	s.cross(0, 2, t0.Add(3*time.Second), s.record("own", "A", 10000, 1))
	s.cross(1, 1, t0.Add(4*time.Second), s.record("clicks", "A", 10000, 1)) // a repeat
	s.cross(1, 2, t0.Add(5*time.Second), s.record("clicks", "A", 0, 1))
	s.cross(1, 3, t0.Add(6*time.Second), strings.Replace(s.record("clicks", "A", 0, 1), `"clicks/incident/A/1/0"`, `"gone/incident/A/1/0"`, 1))
	f := func(query, want string) {
		t.Helper()
		ids, _ := idsOf(t, s.get("/api/v1/crossings"+query).body)
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
	f("", "gone/incident/A/1/0 clicks/incident/A/1/0 own/account/A/1/1 clicks/incident/A/1/1 clicks/incident/B/1/0.5 clicks/incident/A/1/0.5")
	f("?rule=own", "own/account/A/1/1")
	f("?rule=nowhere", "")
	f("?by=account&subject=A", "own/account/A/1/1")
	f("?subject=B&status=crossed&shadow=false&limit=", "clicks/incident/B/1/0.5")
	f("?status=cleared", "gone/incident/A/1/0 clicks/incident/A/1/0")
	f("?since=2026-01-01T00:00:05Z", "gone/incident/A/1/0 clicks/incident/A/1/0")
	f("?since=2026-01-01T00:00:04.999000001Z", "gone/incident/A/1/0 clicks/incident/A/1/0")
	f("?since=2026-01-01T00:00:05.000000001Z", "gone/incident/A/1/0")
	f("?since=2026-01-01T08:00:05+08:00", "gone/incident/A/1/0 clicks/incident/A/1/0")
	f("?limit=2", "gone/incident/A/1/0 clicks/incident/A/1/0")

	for _, path := range []string{"crossings/own%2Faccount%2FA%2F1%2F1", "crossings/own/account/A/1/1", "crossing?id=own%2Faccount%2FA%2F1%2F1"} {
		if a := s.get("/api/v1/" + path); a.status != 200 || !strings.Contains(a.body, `"id":"own/account/A/1/1"`) || !strings.HasSuffix(a.body, `,"topic":"threshold-crossings","partition":0,"offset":2}`) {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if a := s.get("/api/v1/crossings"); !strings.Contains(a.body, `"from":"2026-01-01T00:00:00Z"`) {
		t.Errorf("got %s", a.body)
	}
}

// TestShadowCrossings: those of shadow rules are a list of their own, in which another crossing may have the same id.
func TestShadowCrossings(t *testing.T) {
	s := newSite(t)
	s.cross(0, 0, time.UnixMilli(1), s.record("clicks", "A", 5000, 1))
	for _, path := range []string{"crossings?shadow=true", "crossing?shadow=true&id=clicks%2Fincident%2FA%2F1%2F0.5", "crossings/clicks%2Fincident%2FA%2F1%2F0.5?shadow=true"} {
		if a := s.get("/api/v1/" + path); a.status != 400 || !strings.Contains(a.body, `"parameter":"shadow"`) || !strings.Contains(a.body, "kafka.shadow is not set") {
			t.Errorf("%s without a topic: %d %s", path, a.status, a.body)
		}
	}
	shadow := newTail(t)
	s.sources.Shadow = &Announced{Topic: "tried", Crossings: shadow}
	s.Connect(s.sources)
	if a := s.get("/api/v1/crossings?shadow=true"); a.status != 503 {
		t.Errorf("a topic that is not read: %d %s", a.status, a.body)
	}
	record := strings.Replace(s.record("clicks", "A", 5000, 1), `"by":`, `"shadow":true,"by":`, 1)
	shadow.Took(0, tail.Record{Offset: 7, Timestamp: 2, Value: []byte(record)})
	for path, want := range map[string]string{
		"crossings": `"topic":"threshold-crossings","partition":0,"offset":0}`, "crossings?shadow=false": `"topic":"threshold-crossings","partition":0,"offset":0}`,
		"crossings?shadow=true": `"topic":"tried","partition":0,"offset":7}`, "crossing?shadow=true&id=clicks%2Fincident%2FA%2F1%2F0.5": `"topic":"tried","partition":0,"offset":7}`,
		"crossing?id=clicks%2Fincident%2FA%2F1%2F0.5": `"topic":"threshold-crossings","partition":0,"offset":0}`,
	} {
		if a := s.get("/api/v1/" + path); a.status != 200 || strings.Count(a.body, want) != 1 || strings.Count(a.body, `"offset":`) != 2 || strings.Contains(a.body, `"shadow":true`) != strings.Contains(path, "true") {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if a := s.get("/api/v1/crossings?shadow=yes"); a.status != 400 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestCrossingPages: walking the cursors gives each once, in the same order, whatever else comes meanwhile.
func TestCrossingPages(t *testing.T) {
	s := newSite(t)
	var want []string
	for i := range 23 { // many at one moment
		s.cross(i%3, int64(i/3), time.UnixMilli(int64(1_767_225_600_000+i/10)), s.record("clicks", fmt.Sprint("A", i), 5000, 1))
	}
	want, _ = idsOf(t, s.get("/api/v1/crossings").body)
	for _, limit := range []int{1, 2, 7, 22, 23} {
		var got []string
		for cursor := ""; ; {
			ids, next := idsOf(t, s.get(fmt.Sprintf("/api/v1/crossings?limit=%d&after=%s", limit, url.QueryEscape(cursor))).body)
			got = append(got, ids...)
			if next == "" {
				break
			}
			cursor = next
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("by %d: got %v, want %v", limit, got, want)
		}
	}
}

// TestOddIDs: ids are what producers make of them.
func TestOddIDs(t *testing.T) {
	s := newSite(t)
	for i, id := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, "../../etc/passwd", "..", ".", "a/b//c", "%2F", "a b+c&d=e;f#g?h", "事件一", "מקרה", "e\u0301", "\U0001F600",
		strings.Repeat("x", 256), strings.Repeat("字", 85), "\u202eevil", "\u0000\n\r\t", "\u2028", `{"x":1}`, "https://example.org/x?y=1#z", "nul\x7f", "'; drop table",
	} {
		s.cross(0, int64(i), time.UnixMilli(int64(i+1)), s.record("clicks", id, 5000, 1))
		want, err := json.Marshal("clicks/incident/" + id + "/1/0.5")
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"crossings?subject=", "crossing?id=clicks%2Fincident%2F"} {
			end := "%2F1%2F0.5"
			if strings.Contains(path, "subject") {
				end = ""
			}
			a := s.get("/api/v1/" + path + url.QueryEscape(id) + end)
			var x struct {
				ID    string
				Items []struct{ ID string }
			}
			if err := json.Unmarshal([]byte(a.body), &x); err != nil || a.status != 200 {
				t.Errorf("%q: %d %v %s", id, a.status, err, a.body)
				continue
			}
			if len(x.Items) > 0 {
				x.ID = x.Items[0].ID
			}
			if got, _ := json.Marshal(x.ID); string(got) != string(want) {
				t.Errorf("%q: got %s, want %s", id, got, want)
			}
			if i := strings.IndexFunc(a.body, func(c rune) bool { return c < ' ' || c == '\x7f' || c == '\u202e' || c == '\u2028' || c == '<' }); i >= 0 {
				t.Errorf("%q: the answer has %q", id, a.body[i:min(i+10, len(a.body))])
			}
		}
		a := s.get("/api/v1/crossings/" + url.PathEscape("clicks/incident/"+id+"/1/0.5"))
		if !strings.HasPrefix(id, ".") && a.status != 200 {
			t.Errorf("%q: %d %s", id, a.status, a.body)
		}
	}
}
