package demo

import (
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// TestPicture: no terminal is too small, and no row wider than it.
func TestPicture(t *testing.T) {
	rule := pack(t).Rules[3]
	p := picture{
		figures: figures{"aggregator_events_total": 1234567}, rate: 1000, addr: "127.0.0.1:8080", passed: 90 * time.Second, seed: 4711,
		near: []inspect.Standing{
			{Rule: rule, Subject: "inc-rumour-0001", Values: []thresholds.Value{{Value: 26_000}}, Progress: 5_200, State: thresholds.State{Level: 5_000}},
			{Rule: rule, Subject: "inc-rumour-0002", Values: []thresholds.Value{{Value: 51_000}}, Progress: 10_200},
		},
		keys: 7, bytes: 4096,
		crossings: []crossing{
			{Severity: "warning", Rule: "art3-clicks", Level: "0.5", Summary: "incident inc-rumour-0001: clicks 25,000 of 50,000 in 730d"},
			{Severity: "critical", Rule: "art3-clicks", Level: "1", Summary: "incident inc-rumour-0002: clicks 50,000 of 50,000 in 730d"},
		},
	}
	styles := regexp.MustCompile("\x1b\\[[0-9;?]*[a-zA-Z]")
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
	text := styles.ReplaceAllString(p.draw(120, 40), "")
	for _, want := range []string{
		"  52 %  ██████████░░░░░░░░░░  incident inc-rumour-0001       art3-clicks       26,000 of 50,000 clicks",
		"critical   1  art3-clicks: incident inc-rumour-0002: clicks 50,000 of 50,000 in 730d",
		"1,000/s, 1,234,567 read", "0 records to come; 0 crossings announced", "7 keys, 4 KiB stored", "seed 4711", "never a legal finding",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	if strings.Index(text, "inc-rumour-0002: clicks") > strings.Index(text, "inc-rumour-0001: clicks") {
		t.Errorf("the newest crossing is not the first:\n%s", text)
	}
	if text := p.draw(60, 15); !strings.Contains(text, "critical") || !strings.Contains(text, "warning") {
		t.Errorf("a small terminal shows no crossings:\n%s", text)
	}
	p.note = "level=WARN msg=x"
	if text := p.draw(120, 40); !strings.Contains(text, p.note) {
		t.Errorf("the note is not shown:\n%s", text)
	}
}
