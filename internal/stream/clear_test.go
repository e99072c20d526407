package stream

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// quietPack clears when fewer than 120 clicks are left in a window.
func quietPack(window string) string {
	return `{pack: p, measures: {clicks: {sum: count, types: [click]}}, rules: [{id: r, by: incident, window: ` + window +
		`, step: 1m, limits: {clicks: 300}, levels: [0.5, 1], clear: 0.4}]}`
}

// clicksAt is so many clicks of incident A at a minute of 12 o'clock.
func clicksAt(minute, n int) sentEvent {
	at := time.Date(2026, 1, 1, 12, minute, 0, 0, time.UTC)
	line := fmt.Appendf(nil, `{"id":"%d","time":%q,"type":"click","incident":"A","count":%d}`, minute, at.Format(time.RFC3339), n)
	return sentEvent{value: line, millis: at.UnixMilli()}
}

// TestClearWaitsForSince: an episode ends no earlier than at the first bucket whose window holds nothing from before
// the counter began.
func TestClearWaitsForSince(t *testing.T) {
	p := compile(t, quietPack("20m"))
	f := func(since, want string) {
		t.Helper()
		got := "none"
		r := engine.NewReplay(p, engine.IntakeOptions{}, math.MaxInt64, func(c *thresholds.Crossing) {
			if c.Level == 0 {
				got = time.Unix(0, c.Time).UTC().Format("15:04:05")
			}
		})
		r.Apply.Since = func(thresholds.Kind, int) int64 {
			if since == "" {
				return 0
			}
			at, err := time.Parse(time.RFC3339Nano, "2026-01-01T"+since+"Z")
			if err != nil {
				t.Fatal(err)
			}
			return at.UnixNano()
		}
		for _, e := range []sentEvent{clicksAt(0, 300), clicksAt(1, 50), clicksAt(59, 1)} {
			if err := r.Line(e.value); err != nil {
				t.Fatal(err)
			}
		}
		if got != want {
			t.Errorf("since %q: cleared at %s, want %s", since, got, want)
		}
	}
	f("", "12:21:00")         // what was counted at 12:00 has left
	f("11:00:00", "12:21:00") // long ago
	f("12:01:00", "12:21:00") // the window of 12:21 begins at 12:01
	f("12:01:00.000000001", "12:22:00")
	f("12:10:30", "12:31:00")
	f("12:39:00", "12:59:00")
	f("12:39:01", "none") // not before 13:00
}

// TestClearAfterPackChange: a rule whose window was changed has an empty counter, and does not end an episode by it.
func TestClearAfterPackChange(t *testing.T) {
	r := newRig(t, 1, compile(t, quietPack("10m")))
	store := windowstore.NewMem(DefaultShards)
	run := func(events ...sentEvent) (clears []string) {
		t.Helper()
		p := r.start(store, nil)
		for _, e := range events {
			r.send(0, e)
			r.counted()
		}
		p.end(t)
		for _, messages := range r.read("crossings") {
			for _, m := range messages {
				if s := string(m.Value); strings.Contains(s, `"status":"cleared"`) {
					_, s, _ = strings.Cut(s, `"time":"2026-01-01T`)
					clears = append(clears, s[:len("12:00")])
				}
			}
		}
		return clears
	}
	run(clicksAt(0, 300))
	r.program = compile(t, quietPack("20m"))
	s := &Service{Options: Options{Store: store, Program: r.program}, topics: []position.TopicPartition{{Topic: "events", Partition: 0}}}
	s.coverage = shard.NewCoverage(store, r.program, nil, 1, discard)
	if err := s.loadCoverage(t.Context()); err != nil {
		t.Fatal(err)
	}
	if since, want := s.coverage.Since(thresholds.Incident, 0), clicksAt(0, 1).millis*engine.Millisecond; since != want {
		t.Fatalf("before anything is counted by the new window it says since %d, want %d", since, want)
	}
	if got := run(clicksAt(1, 1), clicksAt(12, 1), clicksAt(19, 1)); got != nil {
		t.Fatalf("cleared at %s by a counter that began at 12:00 or later", got)
	}
	other := clicksAt(20, 1)
	other.value = bytes.Replace(other.value, []byte(`"A"`), []byte(`"B"`), 1)
	run(other)
	if _, differences := r.verified(store, nil); len(differences) > 0 {
		t.Errorf("verify does not know that a clear may be postponed: %v", differences)
	}
	if got := run(clicksAt(59, 1)); len(got) != 1 || got[0] < "12:20" || got[0] > "12:40" {
		t.Fatalf("cleared at %s, want it once, 20 minutes after the counter began", got)
	}
}
