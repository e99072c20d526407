package partition

import (
	"context"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watermark"
)

// pace is how far a partition has looked, and how far it may read beside the others.
type pace struct {
	alignment *watermark.Alignment
	index     int   // of the partition
	seen      int64 // newest time of any event looked at, ns; NoTime: none
	bound     int64 // time up to which it may read without asking the alignment, ns
}

// rewind begins again where the newest time looked at is seen.
func (p *pace) rewind(seen int64) {
	p.seen, p.bound = seen, engine.NoTime
	p.tell(false)
}

// tell notes for the others how far the partition is: a partition that is caught up holds nobody
// back.
func (p *pace) tell(ended bool) { p.alignment.Set(p.index, p.seen, ended) }

// look notes an event's time, and reports whether the partition may read on to it now.
func (p *pace) look(at int64) bool {
	p.seen = max(p.seen, at)
	if at > p.bound {
		p.ask(at)
	}
	return at <= p.bound
}

// wait waits until the partition may read on to a time, or stop is true.
func (p *pace) wait(ctx context.Context, to int64, stop func() bool) {
	p.alignment.Wait(ctx, p.index, to, stop)
}

// ask asks the alignment how far the partition may read. Where nobody holds it back
// now, somebody may later: it asks again when it has gone as far as it may be ahead.
func (p *pace) ask(to int64) {
	p.bound = p.alignment.Bound(p.index)
	if p.bound == engine.Never && p.alignment.Ahead() > 0 {
		p.bound = to + min(p.alignment.Ahead(), engine.Never-max(to, 0))
	}
}
