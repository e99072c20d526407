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

// wait holds the partition back while it is too far ahead, a minute at most
// without progress of the slowest.
func (t *tide) wait(ctx context.Context, partition int, newest int64) error {
	if t.ahead == 0 || newest == noTime {
		return nil
	}
	t.newest[partition].Store(newest)
	low := t.low(partition)
	since := time.Now()
	for t.tooFar(newest, low) && low != t.stuck.Load() {
		if time.Since(since) > t.patient {
			t.stuck.Store(low)
			t.gaveUp()
			return nil
		}
		wait(ctx, 20*time.Millisecond)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if now := t.low(partition); now != low {
			low, since = now, time.Now()
		}
	}
	return nil
}

func (t *tide) tooFar(newest, low int64) bool {
	switch low {
	case never:
		return false
	case noTime:
		return true
	}
	return newest-low > t.ahead
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
