package watchdog

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
)

// Step is what a goroutine is doing on which others wait.
type Step uint32

// The steps.
const (
	StepRest Step = iota // it waits for work, or for others: for as long as that takes
	StepReadFences
	StepRebuildIDs
	StepFetch
	StepDecode
	StepWaitForShard
	StepDeadLetters
	StepPause
	StepApply
	StepLoad
	StepCommit
	StepClear
	StepVerifyFences
	StepOutboxFull
	StepReadOutbox
	StepPublish
	numSteps
)

// stepNames say where something hangs.
var stepNames = [numSteps]string{
	StepRest:         "rest",
	StepReadFences:   "read fences from redis",
	StepRebuildIDs:   "read back the log for repeats",
	StepFetch:        "fetch from kafka",
	StepDecode:       "decode",
	StepWaitForShard: "wait for a shard",
	StepDeadLetters:  "write dead letters to kafka",
	StepPause:        "pause after an error",
	StepApply:        "apply",
	StepLoad:         "load from redis",
	StepCommit:       "commit to redis",
	StepClear:        "clear silent subjects",
	StepVerifyFences: "look at fences in redis",
	StepOutboxFull:   "wait for a full outbox",
	StepReadOutbox:   "read the outbox from redis",
	StepPublish:      "publish to kafka",
}

// Pulse is how a goroutine shows that it goes on. It takes an atomic store for each event and no
// look at the clock. The zero value is at rest.
type Pulse struct {
	step   atomic.Uint32
	beats  atomic.Uint64 // grows whenever something was done
	Place  atomic.Int32  // of a shard: index of the partition whose event it is at, from 1; 0: none
	Offset atomic.Int64  // of the event it is at; of a relay, the outbox's entry
}

// At notes the step, and returns the one before.
func (p *Pulse) At(s Step) (before Step) { return Step(p.step.Swap(uint32(s))) }

// Beat notes that something was done.
func (p *Pulse) Beat() { p.beats.Add(1) }

// Watchdog says of shards, partitions and relays that one of them does not go on: in the log, in a metric, and to who asks.
// It heals nothing.
type Watchdog struct {
	Metrics *metrics.Health
	Log     *slog.Logger
	Quiet   *retry.Throttle // of all that begin to stand
	Topics  []position.TopicPartition

	mu     sync.Mutex
	list   []*watched
	looked time.Time
}

// watched is a goroutine under the watchdog's eyes, as it last looked.
type watched struct {
	*Pulse
	what  string
	at    position.TopicPartition // of a partition
	shard int                     // of a shard, and of a relay
	gauge prometheus.Gauge

	beats  uint64
	offset int64
	still  time.Duration // that nothing was done in
}

// How often the watchdog looks, and for how long nothing may be done.
const (
	stallLook  = time.Second
	stallAfter = 10 * time.Second
)

// stalled reports whether it does nothing though it is at work.
func (w *watched) stalled() bool { return w.still >= stallAfter }

// WatchPartition begins to watch a partition.
func (d *Watchdog) WatchPartition(p *Pulse, at position.TopicPartition) {
	d.watch(&watched{Pulse: p, what: "partition", at: at, gauge: d.Metrics.StalledPartition(at)})
}

// WatchShard begins to watch a shard.
func (d *Watchdog) WatchShard(p *Pulse, shard int) {
	d.watch(&watched{Pulse: p, what: "shard", shard: shard, gauge: d.Metrics.StalledShard(shard)})
}

// WatchRelay begins to watch a relay.
func (d *Watchdog) WatchRelay(p *Pulse, shard int) {
	d.watch(&watched{Pulse: p, what: "relay", shard: shard, gauge: d.Metrics.StalledRelay(shard)})
}

func (d *Watchdog) watch(w *watched) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list = append(d.list, w)
}

// Forget is called at the end of a goroutine. Its series stays, until the group gives what it worked on to another process.
func (d *Watchdog) Forget(p *Pulse) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list = slices.DeleteFunc(d.list, func(w *watched) bool {
		if w.Pulse == p {
			w.gauge.Set(0)
		}
		return w.Pulse == p
	})
}

// Run looks until ctx ends.
func (d *Watchdog) Run(ctx context.Context) {
	retry.Every(ctx, stallLook, d.Look)
}

// Look compares with what was last seen, and says what has begun to stand, and once nothing does any more. A process that
// was stopped itself takes its sleep for no longer than it would have looked away.
func (d *Watchdog) Look(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	passed := min(now.Sub(d.looked), 2*stallLook)
	if d.looked.IsZero() {
		passed = 0
	}
	d.looked = now
	standing := false
	for _, w := range d.list {
		before := w.stalled()
		w.look(passed)
		if !w.stalled() {
			w.gauge.Set(0)
			continue
		}
		standing = true
		w.gauge.Set(w.still.Seconds())
		if before {
			continue
		}
		if held, ok := d.Quiet.Pass(); ok {
			d.Log.Warn("stalled: nothing was done for some time", append(d.where(w), "seconds", w.still.Seconds(), "held_back", held)...)
		}
	}
	if !standing && d.Quiet.Over() {
		d.Log.Info("nothing is stalled any more")
	}
}

// look notes what was done since.
func (w *watched) look(passed time.Duration) {
	beats, offset := w.Pulse.beats.Load(), w.Pulse.Offset.Load()
	if beats == w.beats && offset == w.offset && Step(w.step.Load()) != StepRest {
		w.still += passed
		return
	}
	w.beats, w.offset, w.still = beats, offset, 0
}

// where are the members of a log line.
func (d *Watchdog) where(w *watched) []any {
	list := []any{"what", w.what, "step", stepNames[w.step.Load()]}
	if w.what != "partition" {
		list = append(list, "shard", w.shard)
	}
	if w.what == "relay" {
		return append(list, "entry", w.offset)
	}
	if at, ok := d.placeOf(w); ok {
		list = append(list, "topic", at.Topic, "partition", at.Partition, "offset", w.offset)
	}
	return list
}

// placeOf is the partition whose events a goroutine is at.
func (d *Watchdog) placeOf(w *watched) (position.TopicPartition, bool) {
	if w.what == "partition" {
		return w.at, true
	}
	if n := int(w.Place.Load()); n > 0 && n <= len(d.Topics) {
		return d.Topics[n-1], true
	}
	return position.TopicPartition{}, false
}

// Stalls are the goroutines that stand, a line for each.
func (d *Watchdog) Stalls() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []string
	for _, w := range d.list {
		if w.stalled() && Step(w.step.Load()) != StepRest { // else it has begun to go on since the last look
			list = append(list, d.line(w))
		}
	}
	return list
}

func (d *Watchdog) line(w *watched) string {
	name, where := fmt.Sprintf("%s %d", w.what, w.shard), ""
	at, ok := d.placeOf(w)
	switch {
	case w.what == "partition":
		name = fmt.Sprintf("partition %s/%d", at.Topic, at.Partition)
		where = fmt.Sprintf(", at offset %d", w.offset)
	case w.what == "relay":
		where = fmt.Sprintf(", at entry %d", w.offset)
	case ok:
		where = fmt.Sprintf(", at %s/%d offset %d", at.Topic, at.Partition, w.offset)
	}
	return fmt.Sprintf("%s does nothing for %.0f s%s: %s", name, w.still.Seconds(), where, stepNames[w.step.Load()])
}
