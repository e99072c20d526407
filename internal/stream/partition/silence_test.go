package partition

import (
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
)

// TestHearing: a partition is caught up where its log ends, silent when that has lasted a minute, and neither while it waits for others.
func TestHearing(t *testing.T) {
	start := time.Unix(1_767_225_600, 0)
	var h hearing
	h.busy(start)
	for _, x := range []struct {
		name        string
		after       time.Duration
		heard, last bool // something came; the log ends after it
		idle, ended bool
	}{
		{"caught up", time.Second, true, true, false, true},
		{"a minute later", time.Second + Silence, false, true, false, true},
		{"and a moment", 2*time.Second + Silence, false, true, true, true},
		{"an event", 3*time.Second + Silence, true, true, false, true},
		{"more is there", 3 * Silence, false, false, false, false},
		{"its end, at last", 4*Silence - time.Second, false, true, false, true},
	} {
		h.listen(start.Add(x.after), x.heard, x.last)
		if h.idle != x.idle || h.ended != x.ended {
			t.Errorf("%s: idle %v, ended %v", x.name, h.idle, h.ended)
		}
	}
	h.listen(start.Add(time.Hour), false, true)
	h.hold()
	var m position.Position
	if h.tell(&m); m.Idle || m.Ended || !m.Held {
		t.Errorf("held back: %+v", m)
	}
	h.listen(start.Add(2*time.Hour), false, true)
	if h.busy(start.Add(2 * time.Hour)); h.idle || h.ended {
		t.Errorf("more to read: idle %v, ended %v", h.idle, h.ended)
	}
}
