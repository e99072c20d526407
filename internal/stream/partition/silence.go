package partition

import (
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
)

// Silence is how long a partition that is caught up may be silent before the
// stream's time goes on without it (contract section 3).
const Silence = time.Minute

// hearing is what its positions say of a partition besides where it is: whether it is caught up, silent, or held back.
type hearing struct {
	heard time.Time // when something came last, or more was known to be there
	ended bool      // caught up
	idle  bool      // caught up, and silent since
	held  bool      // waits for other partitions
}

// busy notes that there is more to read.
func (h *hearing) busy(now time.Time) { h.heard, h.idle, h.ended = now, false, false }

// listen notes what a set had: whether something came, and whether the log ends after it.
func (h *hearing) listen(now time.Time, heard, caughtUp bool) {
	if heard || !caughtUp {
		h.heard = now
	}
	h.idle, h.ended = now.Sub(h.heard) > Silence, caughtUp
}

// hold notes that the partition waits for others before an event: so it is neither silent nor caught up.
func (h *hearing) hold() { h.held, h.ended, h.idle = true, false, false }

// tell puts it into a position.
func (h *hearing) tell(m *position.Position) { m.Idle, m.Ended, m.Held = h.idle, h.ended, h.held }
