package stream

import (
	"context"
	"sync/atomic"
	"time"
)

// tide keeps how far each partition's newest matched time is, of this process
// and of others, so that a partition that runs ahead waits for the rest: else,
// in a backlog read unevenly, the slower one's events would be late.
type tide struct {
	newest  []atomic.Int64 // ns; noTime: none yet
	ended   []atomic.Bool  // caught up: nobody waits for it
	ahead   int64          // ns a partition may be ahead of the slowest; 0: any
	patient time.Duration
	gaveUp  func()       // told when a partition goes on though the rest made no progress
	stuck   atomic.Int64 // the slowest's time when somebody last gave up: nobody waits for it again
	held    atomic.Int32 // partitions of this process that wait: while there are any, shards tell sooner how far they are
}

func newTide(partitions int, ahead int64, gaveUp func()) *tide {
	t := &tide{
		newest: make([]atomic.Int64, partitions), ended: make([]atomic.Bool, partitions),
		ahead: ahead, patient: time.Minute, gaveUp: gaveUp,
	}
	for i := range t.newest {
		t.newest[i].Store(noTime)
	}
	t.stuck.Store(never)
	return t
}

func (t *tide) set(partition int, newest int64, ended bool) {
	t.newest[partition].Store(newest)
	t.ended[partition].Store(ended)
}

// low is the newest time of the slowest other partition that is not caught up;
// never if there is none.
func (t *tide) low(except int) int64 {
	low := int64(never)
	for i := range t.newest {
		if i != except && !t.ended[i].Load() {
			low = min(low, t.newest[i].Load())
		}
	}
	return low
}

// bound is the time up to which a partition may go now. While others have not begun it
// may go as far from where it began itself, base.
func (t *tide) bound(partition int, base int64) int64 {
	low := t.low(partition)
	switch {
	case t.ahead == 0 || low == never || low == t.stuck.Load():
		return never
	case low == noTime:
		low = base
	}
	return low + min(t.ahead, never-max(low, 0))
}

// wait holds a partition back until it may go to a time, a minute at most
// without progress of the slowest. stop ends it early.
func (t *tide) wait(ctx context.Context, partition int, base, to int64, stop func() bool) {
	t.held.Add(1)
	defer t.held.Add(-1)
	low, since := t.low(partition), time.Now()
	for to > t.bound(partition, base) && !stop() && ctx.Err() == nil {
		if time.Since(since) > t.patient {
			t.stuck.Store(low)
			t.gaveUp()
			return
		}
		wait(ctx, 10*time.Millisecond)
		if now := t.low(partition); now != low {
			low, since = now, time.Now()
		}
	}
}

// headroom is how far a partition may be ahead: a quarter of the shortest
// window of the program.
func headroom(p *Program) int64 {
	shortest := int64(0)
	for r := range p.Rules {
		if r.Window > 0 && (shortest == 0 || r.Window < shortest) {
			shortest = r.Window
		}
	}
	return shortest * second / 4
}
