package demo

import (
	"regexp"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// TestWorld: the story is the same for a seed, and has something of everything.
func TestWorld(t *testing.T) {
	p, err := engine.Compile([]*thresholds.Pack{pack(t)}, thresholds.DefaultMaxMembers)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	w, same := newWorld(7, now, 400), newWorld(7, now, 400)
	crossed := map[string]int{}
	first := 0
	n := 0
	// As in Kafka, an event's timestamp is when it came, not when it says it was.
	replay := engine.NewReplay(p, engine.IntakeOptions{}, now.Add(5*time.Minute).UnixNano(), func(c *thresholds.Crossing) {
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
