package stream

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/coverage"
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
	coverage := coverage.NewCoverage(store, r.program, nil, 1, 0, discard)
	if err := loadCoverage(t.Context(), coverage, store, partitionList{{Topic: "events", Partition: 0}}); err != nil {
		t.Fatal(err)
	}
	if since, want := coverage.Since(thresholds.Incident, 0), engine.Nanoseconds(clicksAt(0, 1).millis+1)+int64(engine.DefaultMaxAhead); since != want {
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
