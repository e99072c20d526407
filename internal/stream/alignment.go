package stream

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
)

// alignment keeps how far each partition has come, of this process and of others,
// so that a partition that runs ahead waits for the rest: else, in a backlog read unevenly, the
// slower one's events would be late.
//
// How far a partition has come is the newest time of the events it has looked
// at, the one it waits to take included. So the partition that is furthest behind never waits, and
// one whose next event comes after a long silence holds nobody back. What counts is what cannot be undone
// for the others: of a partition of this process what was sent to the shards, whose state goes back as a
// whole; of another process's what is stored, shard by shard.
type alignment struct {
	reached       [][]atomic.Int64 // by partition and shard, ns; noTime: nothing yet; never: caught up, nobody waits for it
	local         []atomic.Bool    // partitions that this process reads: they tell their places themselves
	logEnds       []atomic.Int64   // offset behind the log when the generation began; math.MaxInt64: not known yet
	ahead         int64            // ns a partition may be ahead of the slowest; 0: any
	patient       time.Duration
	gaveUp        func()       // told when a partition goes on though the rest made no progress
	gaveUpAt      atomic.Int64 // the slowest's time when somebody last gave up: nobody waits for it again
	expediteUntil atomic.Int64 // ns: until then shards tell sooner how far they are
}

func newAlignment(partitions, shards int, ahead int64, gaveUp func()) *alignment {
	t := &alignment{
		reached: make([][]atomic.Int64, partitions), local: make([]atomic.Bool, partitions), logEnds: make([]atomic.Int64, partitions),
		ahead: ahead, patient: time.Minute, gaveUp: gaveUp,
	}
	for i := range t.reached {
		t.reached[i] = make([]atomic.Int64, shards)
		t.set(i, noTime, false)
	}
	t.begin()
	t.gaveUpAt.Store(never)
	return t
}

// begin is told that a generation of the group begins.
func (t *alignment) begin() {
	for i := range t.logEnds {
		t.logEnds[i].Store(math.MaxInt64)
	}
}

// trusted takes from the fence of another process's partition that it was
// caught up, if it is not behind the end that the log had when the generation began: else the
// fence tells of a reader before, and there may be a backlog behind it.
func (t *alignment) trusted(partition int, m position) position {
	if m.offset < t.logEnds[partition].Load() {
		m.idle, m.ended = false, false
	}
	return m
}

// set notes how far a partition of this process has come, in all shards.
func (t *alignment) set(partition int, seen int64, ended bool) {
	if ended {
		seen = never
	}
	for shard := range t.reached[partition] {
		t.reached[partition][shard].Store(seen)
	}
}

// stored notes how far a partition of another process has come in a shard. Of ours the shard may
// still know the fence only when the partition has gone on from it.
func (t *alignment) stored(partition, shard int, seen int64, ended bool) {
	if ended {
		seen = never
	}
	if !t.local[partition].Load() {
		t.reached[partition][shard].Store(seen)
	}
}

// slowest is how far the slowest other partition has come that is not caught up;
// never if there is none.
func (t *alignment) slowest(except int) int64 {
	low := int64(never)
	for i := range t.reached {
		if i == except {
			continue
		}
		for shard := range t.reached[i] {
			low = min(low, t.reached[i][shard].Load())
		}
	}
	return low
}

// bound is the time up to which a partition may go now: nowhere while another
// has not begun.
func (t *alignment) bound(partition int) int64 {
	low := t.slowest(partition)
	switch {
	case t.ahead == 0 || low == never || low == t.gaveUpAt.Load():
		return never
	case low == noTime:
		return noTime
	}
	return low + min(t.ahead, never-max(low, 0))
}

// wait holds a partition back until it may go to a time, a minute at most
// without progress of the slowest. stop ends it early.
func (t *alignment) wait(ctx context.Context, partition int, to int64, stop func() bool) {
	low, since := t.slowest(partition), time.Now()
	for to > t.bound(partition) && !stop() && ctx.Err() == nil {
		if time.Since(since) > t.patient {
			t.gaveUpAt.Store(low)
			t.gaveUp()
			return
		}
		t.expedite(time.Now())
		retry.Wait(ctx, 10*time.Millisecond)
		if now := t.slowest(partition); now != low {
			low, since = now, time.Now()
		}
	}
}

// expediteFor is how long shards are asked for that: until each has compared its fences twice.
const expediteFor = 4 * time.Second

// expedite asks the shards to tell sooner how far they are, for a while: who waits
// now will wait again.
func (t *alignment) expedite(now time.Time) {
	t.expediteUntil.Store(now.Add(expediteFor).UnixNano())
}

func (t *alignment) expedited(now time.Time) bool { return now.UnixNano() < t.expediteUntil.Load() }

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
