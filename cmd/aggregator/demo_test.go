package main

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/stream"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

var plainLine = regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d\.\d{3} (warning |critical) level [0-9.]+ +art[0-9a-z-]+: (incident inc-|account u-).* of .* in 730d$`)

// TestDemo runs the whole demo until it has announced something, and stops it as Ctrl-C does.
func TestDemo(t *testing.T) {
	noLeaks(t)
	began := time.Now()
	p := start(t, nil, "demo", "-seed", "1", "-rate", "500")
	p.out.await(t, "crossing", plainLine.MatchString)
	t.Logf("the first crossing came after %v", time.Since(began))
	p.stop()
	if code := p.exit(t); code != exitFine {
		t.Errorf("got %d:\n%s", code, p.err)
	}
	for line := range strings.Lines(p.out.String()) {
		if !plainLine.MatchString(line) {
			t.Errorf("stdout holds %q", line)
		}
	}
	said := p.err.String()
	for _, want := range []string{"demo: metrics at http://127.0.0.1:", "; seed 1; Ctrl-C stops it\n", " events; matched ", "; seed 1\n"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in:\n%s", want, said)
		}
	}
	if strings.Contains(said, "level=") {
		t.Errorf("the service had something to complain about:\n%s", said)
	}
}

func TestDemoEndsByItself(t *testing.T) {
	noLeaks(t)
	if r := call("", nil, "demo", "-duration", "300ms"); r.code != exitFine || !strings.Contains(r.err, "demo: ") {
		t.Errorf("got %+v", r)
	}
}

// TestDemoCounts: what is shown as nearest is what the service stored, and what is
// forgotten leaves nothing behind.
func TestDemoCounts(t *testing.T) {
	out := newWatched()
	d, err := startDemo(&session{out: out, err: out}, &demoOptions{rate: 500, seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer d.stop()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.serve(ctx) }()
	out.await(t, "crossing of an incident's accounts", func(s string) bool { return strings.Contains(s, "art3-accounts: incident") })
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}

	stored := storedProgress(t, d)
	near := (&counts{d.program, d.store, d.world}).nearest(t.Context(), 5)
	if len(near) != 5 {
		t.Fatalf("%d subjects are near to a limit", len(near))
	}
	for i, s := range near {
		if line := fmt.Sprintf("%s %s %s %.4f", s.Rule.ID, s.Rule.By, s.Subject, float64(s.Progress)/10_000); !stored[line] {
			t.Errorf("%s is shown and not stored", line)
		}
		if i > 0 && (reached(&near[i-1]) && !reached(&s) || reached(&near[i-1]) == reached(&s) && near[i-1].Progress < s.Progress) {
			t.Errorf("%s is behind %s", s.Subject, near[i-1].Subject)
		}
	}

	d.world.move(time.Now().Add(time.Hour)) // all end
	d.world.now = d.world.now.Add(time.Hour)
	forgetEnded(t.Context(), d.program, d.store, d.world, d.log)
	for shard := range demoShards {
		prefix := d.store.Keys().AppendRecordPrefix(nil, shard)
		err := d.store.Scan(t.Context(), shard, prefix[:len(prefix)-2], func(key []byte) bool {
			if text := string(key); strings.Contains(text, "inc-") || strings.Contains(text, "u-") {
				t.Errorf("%s is left", text)
			}
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(out.String(), "level=") {
		t.Errorf("something was complained about:\n%s", out)
	}
}

// storedProgress is how near every subject is to every rule's limit, a line each, by what is stored.
func storedProgress(t *testing.T, d *demo) map[string]bool {
	t.Helper()
	stored := map[string]bool{}
	note := func(line []byte) bool {
		var c struct {
			Rule, By, Subject string
			Progress          float64
		}
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		stored[fmt.Sprintf("%s %s %s %.4f", c.Rule, c.By, c.Subject, c.Progress)] = true
		return true
	}
	if err := d.program.StoredCounts(t.Context(), d.store, demoShards, note); err != nil {
		t.Fatal(err)
	}
	return stored
}

// TestWorld: the story is the same for a seed, and has something of everything.
func TestWorld(t *testing.T) {
	p, err := stream.Compile([]*thresholds.Pack{mustBuiltin(defaultPack)}, thresholds.DefaultMaxMembers)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	w, same := newWorld(7, now, 400), newWorld(7, now, 400)
	crossed := map[string]int{}
	first := 0
	n := 0
	// As in Kafka, an event's timestamp is when it came, not when it says it was.
	replay := stream.NewReplay(p, stream.Intake{}, now.Add(5*time.Minute).UnixNano(), func(c *thresholds.Crossing) {
		crossed[c.Rule.ID]++
		if first == 0 {
			first = n
		}
	})
	slow := now
	for range 5 * 60 * 20 { // five minutes, 20 times a second
		now, slow = now.Add(50*time.Millisecond), slow.Add(time.Second)
		for range 20 {
			n++
			_, value := w.next(now)
			if _, other := same.next(slow); undated(value) != undated(other) {
				t.Fatalf("the same seed, told more slowly, gave another story: %s, %s", value, other)
			}
			_ = replay.Line(value) // counted below
		}
	}
	s := replay.Stats
	t.Logf("%+v, crossings %v, the first at event %d", s, crossed, first)
	if s.Malformed == 0 || s.Ahead == 0 || s.Duplicate == 0 || s.Matched < n*9/10 {
		t.Errorf("got %+v of %d", s, n)
	}
	if first > 2_000 {
		t.Errorf("the first crossing comes at event %d: a demo begins sooner", first)
	}
	if len(crossed) < 6 {
		t.Errorf("only %d rules were crossed: %v", len(crossed), crossed)
	}
	if len(w.live) > mostLive {
		t.Errorf("%d incidents live", len(w.live))
	}
}

var dated = regexp.MustCompile(`"time":"2[^"]*"`)

func undated(value []byte) string { return dated.ReplaceAllString(string(value), "") }

// TestWorldEvents: what the world means as events are events.
func TestWorldEvents(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	w := newWorld(1, now, 1_000)
	var d event.Decoder
	var e event.Event
	for i := range plots {
		w.begin(&plots[i], now)
	}
	types := map[string]bool{}
	for _, i := range w.live {
		for range 300 {
			_, value := w.event(i, now)
			if err := d.Decode(&e, value); err != nil {
				t.Fatalf("%s: %v", value, err)
			}
			types[string(e.Type)] = true
		}
	}
	if len(types) < 10 {
		t.Errorf("only %v", types)
	}
	for range 100 {
		if value := w.broken(w.live[0], now); d.Decode(&e, value) == nil {
			t.Errorf("%s is an event", value)
		}
	}
}

// TestWorldForgets: an incident ends, and is handed out once to be forgotten.
func TestWorldForgets(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	w := newWorld(1, now, 1_000)
	for range 600 {
		now = now.Add(time.Second)
		w.move(now)
	}
	if len(w.ended) < 20 {
		t.Fatalf("%d incidents ended in 10 minutes", len(w.ended))
	}
	all := len(w.ended)
	gone := w.forget(time.Minute)
	if len(gone) == 0 || len(gone)+len(w.ended) != all || len(w.forget(time.Minute)) != 0 {
		t.Errorf("of %d forgot %d, kept %d", all, len(gone), len(w.ended))
	}
	incidents, accounts := w.subjects()
	if len(incidents) != len(w.live) || len(accounts) < len(incidents) {
		t.Errorf("got %d, %d", len(incidents), len(accounts))
	}
}

// TestScreen: no terminal is too small, and no row wider than it.
func TestScreen(t *testing.T) {
	rule := mustBuiltin(defaultPack).Rules[3]
	p := picture{
		figures: figures{"aggregator_events_total": 1234567}, rate: 1000, addr: "127.0.0.1:8080", passed: 90 * time.Second, seed: 4711,
		near: []stream.Standing{
			{Rule: rule, Subject: "inc-rumour-0001", Values: []thresholds.Value{{Value: 26_000}}, Progress: 5_200, State: thresholds.State{Level: 5_000}},
			{Rule: rule, Subject: "inc-rumour-0002", Values: []thresholds.Value{{Value: 51_000}}, Progress: 10_200},
		},
		keys: 7, bytes: 4096,
		crossings: []announced{
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
		"1,000/s, 1,234,567 read", "7 keys, 4 KiB stored", "seed 4711", "never a legal finding",
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
