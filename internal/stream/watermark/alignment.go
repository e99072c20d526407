package watermark

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
)

// Alignment keeps how far each partition has come, of this process and of others, so that a
// partition that runs ahead waits for the rest. Otherwise, in a backlog read unevenly, the slower
// one's events would be late.
//
// How far a partition has come is the newest time of the events it has looked at. The event it
// waits to take is included. So the partition that is furthest behind never waits, and a partition
// whose next event comes after a long silence holds nobody back.
//
// What counts is what cannot be undone for the others. For a partition of this process that is what
// was sent to the shards, whose state goes back as a whole. For another process's partition it is
// what is stored, shard by shard.
type Alignment struct {
	reached       [][]atomic.Int64 // by partition and shard, ns; NoTime: nothing yet; Never: caught up, nobody waits for it
	local         []atomic.Bool    // partitions that this process reads: they set their progress themselves
	logEnds       []atomic.Int64   // offset after the log's last record when the generation began; math.MaxInt64: not known yet
	ahead         atomic.Int64     // ns a partition may be ahead of the slowest; 0: any
	patient       time.Duration
	gaveUp        func()       // called when a partition goes on though the rest made no progress
	gaveUpAt      atomic.Int64 // the slowest's time when somebody last gave up: nobody waits for it again
	expediteUntil atomic.Int64 // ns: until then shards report sooner how far they are
}

// NewAlignment makes an alignment in which a partition may be ahead of the slowest by ahead ns; gaveUp is called when one goes on
// though the rest made no progress.
func NewAlignment(partitions, shards int, ahead int64, gaveUp func()) *Alignment {
	t := &Alignment{
		reached: make([][]atomic.Int64, partitions), local: make([]atomic.Bool, partitions), logEnds: make([]atomic.Int64, partitions),
		patient: patience, gaveUp: gaveUp,
	}
	t.Allow(ahead)
	for i := range t.reached {
		t.reached[i] = make([]atomic.Int64, shards)
		t.Set(i, engine.NoTime, false)
	}
	t.Begin()
	t.gaveUpAt.Store(engine.Never)
	return t
}

// Allow has a partition be ahead of the slowest by so many ns; 0: by any.
func (t *Alignment) Allow(ahead int64) { t.ahead.Store(ahead) }

// Ahead is how many ns that is.
func (t *Alignment) Ahead() int64 { return t.ahead.Load() }

// Begin is called when a generation of the group begins.
func (t *Alignment) Begin() {
	for i := range t.logEnds {
		t.logEnds[i].Store(math.MaxInt64)
	}
}

// KnowsLogEnd reports whether it was told where a partition's log ended when the generation began.
func (t *Alignment) KnowsLogEnd(partition int) bool {
	return t.logEnds[partition].Load() != math.MaxInt64
}

// LogEnded notes where a partition's log ended when the generation began.
func (t *Alignment) LogEnded(partition int, offset int64) { t.logEnds[partition].Store(offset) }

// Own notes whether this process reads a partition: then only Set says how far it has come.
func (t *Alignment) Own(partition int, ours bool) { t.local[partition].Store(ours) }

// Trusted returns a fence of another process's partition as far as it is trusted. That the
// partition was caught up is believed only if the fence is not before the end that the log had when
// the generation began. An earlier fence may be of a dead reader, with a backlog after it.
func (t *Alignment) Trusted(partition int, m position.Position) position.Position {
	if m.Offset < t.logEnds[partition].Load() {
		m.Idle, m.Ended = false, false
	}
	return m
}

// Set notes how far a partition of this process has come, in all shards.
func (t *Alignment) Set(partition int, seen int64, ended bool) {
	if ended {
		seen = engine.Never
	}
	for shard := range t.reached[partition] {
		t.reached[partition][shard].Store(seen)
	}
}

// Stored notes how far a partition of another process has come in a shard. Of ours the shard may
// still know the fence only when the partition has gone on from it.
func (t *Alignment) Stored(partition, shard int, seen int64, ended bool) {
	if ended {
		seen = engine.Never
	}
	if !t.local[partition].Load() {
		t.reached[partition][shard].Store(seen)
	}
}

// Slowest is how far the slowest other partition has come that is not caught up;
// never if there is none.
func (t *Alignment) Slowest(except int) int64 {
	low := int64(engine.Never)
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

// Bound is the time up to which a partition may go now: nowhere while another
// has not begun.
func (t *Alignment) Bound(partition int) int64 {
	low, ahead := t.Slowest(partition), t.Ahead()
	switch {
	case ahead == 0 || low == engine.Never || low == t.gaveUpAt.Load():
		return engine.Never
	case low == engine.NoTime:
		return engine.NoTime
	}
	return low + min(ahead, engine.Never-max(low, 0))
}

// Wait holds a partition back until it may go to a time, a minute at most
// without progress of the slowest. stop ends it early.
func (t *Alignment) Wait(ctx context.Context, partition int, to int64, stop func() bool) {
	low, since := t.Slowest(partition), time.Now()
	for to > t.Bound(partition) && !stop() && ctx.Err() == nil {
		if time.Since(since) > t.patient {
			t.gaveUpAt.Store(low)
			t.gaveUp()
			return
		}
		t.Expedite(time.Now())
		retry.Wait(ctx, 10*time.Millisecond)
		if now := t.Slowest(partition); now != low {
			low, since = now, time.Now()
		}
	}
}

// expediteFor is how long shards are asked for that: until each has compared its fences twice.
const expediteFor = 4 * time.Second

// Expedite asks the shards to tell sooner how far they are, for a while: who waits
// now will wait again.
func (t *Alignment) Expedite(now time.Time) {
	t.expediteUntil.Store(now.Add(expediteFor).UnixNano())
}

// Expedited reports whether shards are asked to tell sooner how far they are.
func (t *Alignment) Expedited(now time.Time) bool { return now.UnixNano() < t.expediteUntil.Load() }

// patience is how long a partition that is ahead waits while the slowest makes no progress. Then it goes on.
const patience = time.Minute

// Headroom is how far a partition may be ahead: a quarter of the shortest
// window of the program.
func Headroom(p *engine.Program) int64 {
	shortest := int64(0)
	for r := range p.Rules {
		if r.Window > 0 && (shortest == 0 || r.Window < shortest) {
			shortest = r.Window
		}
	}
	return shortest * int64(time.Second) / 4
}
