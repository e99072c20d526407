package demo

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

var styles = regexp.MustCompile("\x1b\\[[0-9;?]*[a-zA-Z]")

// someTime is a picture of two subjects and two crossings.
func someTime(t *testing.T) *picture {
	rule := pack(t).Rules[3]
	crossed := func(text string) (c crossing) {
		t.Helper()
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			t.Fatal(err)
		}
		c.Detected = time.Date(2026, 11, 30, 20, 3, 11, 0, time.Local)
		return c
	}
	return &picture{
		figures: figures{"aggregator_events_total": 1234567, "aggregator_events_total{duplicate}": 1073}, rate: 1000,
		addr: "127.0.0.1:8080", passed: 90 * time.Second, seed: 4711, ends: "q",
		near: []inspect.Standing{
			{Rule: rule, Subject: "inc-rumour-0001", Values: []thresholds.Value{{Value: 26_000}}, Progress: 5_200, State: thresholds.State{Level: 5_000}},
			{Rule: rule, Subject: "inc-rumour-0002", Values: []thresholds.Value{{Value: 12_000}}, Progress: 2_400},
		},
		over: 3,
		keys: 7, bytes: 4096,
		crossings: []crossing{
			crossed(`{"severity":"warning","rule":"art3-clicks","title":"Actual clicks","by":"incident","subject":"inc-rumour-0001","level":0.5,"reached":["clicks"],
				"measures":{"clicks":{"value":25000,"limit":50000}},"summary":"incident inc-rumour-0001: clicks 25,000 of 50,000 in 730d"}`),
			crossed(`{"severity":"critical","rule":"art3-items","title":"Unlawful videos and other items published, by conversion","by":"incident","subject":"inc-rumour-0002","level":1,"reached":[],
				"measures":{"others":{"value":1000,"limit":2000},"videos":{"value":120,"limit":200}},"summary":"incident inc-rumour-0002: others 1,000 of 2,000, videos 120 of 200 in 730d"}`),
		},
	}
}

// TestPicture: no terminal is too small, and no row wider than it.
func TestPicture(t *testing.T) {
	p := someTime(t)
	for columns := range 200 {
		for _, rows := range []int{0, 1, 2, 5, 10, 24, 100} {
			lines := strings.Split(styles.ReplaceAllString(p.draw(columns, rows), ""), "\r\n")
			if len(lines) > max(rows, 1) {
				t.Fatalf("%d rows in %d", len(lines), rows)
			}
			for _, l := range lines {
				if n := utf8.RuneCountInString(l); n > max(columns, 1) {
					t.Fatalf("%d characters in %d columns: %q", n, columns, l)
				}
			}
		}
	}
	p.note = "level=WARN msg=x"
	if text := p.draw(120, 40); !strings.Contains(text, p.note) {
		t.Errorf("the note is not shown:\n%s", text)
	}
}

// TestPictureSizes: what terminals of usual sizes show.
func TestPictureSizes(t *testing.T) {
	f := func(columns, rows int, want string) {
		t.Helper()
		got := strings.ReplaceAll(styles.ReplaceAllString(someTime(t).draw(columns, rows), ""), "\r\n", "\n")
		if got != want {
			t.Errorf("%d by %d: got\n%s\nwant\n%s", columns, rows, got, want)
		}
	}
	f(120, 24, `aggregator demo, 1m30s; board: http://127.0.0.1:8080/; q ends it; seed 4711
incident: what events are about; level: the share of a rule's limit reached
events  1,000/s, 1,234,567 read; not counted: 1,073 repeated, 0 malformed, 0 ahead, 0 late
counts  7 keys, 4 KiB; 0 events waiting; 0 crossings announced

NEAREST TO A LIMIT, and 3 at it or over it
  52 %  ██████████░░░░░░░░░░  26,000 of 50,000    Actual clicks                                incident inc-rumour-0001
  24 %  ████░░░░░░░░░░░░░░░░  12,000 of 50,000    Actual clicks                                incident inc-rumour-0002

CROSSINGS, the newest first
20:03:11  critical  1    120 of 200          Unlawful videos and other items published, by c…  incident inc-rumour-0002
20:03:11  warning   0.5  25,000 of 50,000    Actual clicks                                     incident inc-rumour-0001
A crossing is a prompt for a person to look, never a legal finding.`)
	f(80, 24, `aggregator demo, 1m30s; board: http://127.0.0.1:8080/; q ends it
incident: what events are about; level: the share of a rule's limit reached
events  1,000/s, 1,234,567 read; not counted: 1,073 repeated, 0 malformed, 0 ah…
counts  7 keys, 4 KiB; 0 events waiting; 0 crossings announced

NEAREST TO A LIMIT, and 3 at it or over it
  52 %  26,000 of 50,000    Actual clicks                       inc-rumour-0001
  24 %  12,000 of 50,000    Actual clicks                       inc-rumour-0002

CROSSINGS, the newest first
20:03:11  1    120 of 200          Unlawful videos and other …  inc-rumour-0002
20:03:11  0.5  25,000 of 50,000    Actual clicks                inc-rumour-0001
A crossing is a prompt for a person to look, never a legal finding.`)
	f(40, 10, `aggregator demo, 1m30s; board: http://1…
events  1,000/s, 1,234,567 read; not co…
NEAREST TO A LIMIT, and 3 at it or over…
  52 %  26,000 of 50,000, Actual clicks…
  24 %  12,000 of 50,000, Actual clicks…
CROSSINGS, the newest first
20:03:11  1    120 of 200, Unlawful vid…
20:03:11  0.5  25,000 of 50,000, Actual…
A crossing is no legal finding.`)
}

// TestSpread: long numbers and ids leave less room for the title, and stay whole themselves.
func TestSpread(t *testing.T) {
	f := func(columns int, numbers, subject, want string) {
		t.Helper()
		if got := spread("08:03:58  1    ", numbers, "Members of groups and followers reached", "account", subject, columns); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(80, "3 of 3", "u-0778773", "08:03:58  1    3 of 3              Members of groups and foll…  u-0778773")
	f(80, "20,315,039 of 20,000,000", "u-0778773", "08:03:58  1    20,315,039 of 20,000,000  Members of groups an…  u-0778773")
	f(80, "3 of 3", strings.Repeat("u", 60), "08:03:58  1    3 of 3                "+strings.Repeat("u", 60))
	f(79, "3 of 3", "u-0778773", "08:03:58  1    3 of 3, Members of groups and followers reached, u-0778773")
	f(200, "3 of 3", "u-0778773", "08:03:58  1    3 of 3              Members of groups and followers reached               account u-0778773")
}

// TestPictureRest: what stays on the screen, and what it has no colours for.
func TestPictureRest(t *testing.T) {
	p := someTime(t)
	for range 6 {
		p.crossings = append(p.crossings, p.crossings[:2]...)
	}
	text := p.rest(80, 1_000)
	if !strings.HasPrefix(text, bold+"CROSSINGS, the last 10 of 1,000"+normal+"\n"+yellow+"20:03:11  0.5  25,000") || strings.Count(text, "\n") != 11 {
		t.Errorf("got\n%s", text)
	}
	p.plain = true
	if text := p.rest(80, 14); !strings.HasPrefix(text, "CROSSINGS, the last 10 of 14\n20:03:11  0.5  25,000") || strings.Contains(text, "\x1b") {
		t.Errorf("got\n%s", text)
	}
	if text := p.draw(80, 24); strings.Contains(text, "\x1b[0m") || strings.Contains(text, "\x1b[1m") {
		t.Errorf("got\n%q", text)
	}
	if text := (&picture{}).rest(80, 0); text != "" {
		t.Errorf("got\n%s", text)
	}
}
