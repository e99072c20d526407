package partition

import (
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watermark"
)

// TestPace: a partition reads on as far as it may be ahead of the others. It asks again when it has come that far: another
// partition that was caught up may have more to read by then.
func TestPace(t *testing.T) {
	alignment := watermark.NewAlignment(2, 1, 10, func() {})
	p := pace{alignment: alignment}
	p.rewind(engine.NoTime)
	look := func(name string, at int64, want bool) {
		t.Helper()
		if got := p.look(at); got != want {
			t.Errorf("%s: %d may be read: %v", name, at, got)
		}
	}
	look("the other has not begun", 5, false)
	alignment.Set(1, 100, false)
	look("the other is at 100", 110, true)
	look("the other is at 100", 111, false)
	alignment.Set(1, 101, false)
	look("the other went on", 111, true)
	alignment.Set(1, 101, true)
	look("the other is caught up", 500, true)
	alignment.Set(1, 300, false)
	look("the other has more to read, which is not asked before 510", 510, true)
	look("it is asked", 511, false)

	p.tell(false)
	if low := alignment.Slowest(1); low != 511 {
		t.Errorf("told to be at %d", low)
	}
	p.tell(true)
	if low := alignment.Slowest(1); low != engine.Never {
		t.Errorf("caught up, and told to be at %d", low)
	}
	p.rewind(50)
	if low := alignment.Slowest(1); low != 50 || p.bound != engine.NoTime {
		t.Errorf("after a rewind told to be at %d, may go to %d", low, p.bound)
	}
}
