package stream

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
)

// step is what a goroutine is doing on which others wait.
type step uint32

const (
	stepRest step = iota // it waits for work, or for others: for as long as that takes
	stepEnter
	stepMemory
	stepFetch
	stepDecode
	stepSend
	stepBury
	stepPause
	stepApply
	stepLoad
	stepCommit
	stepSweep
	stepLook
	stepFull
	stepOutbox
	stepPublish
	numSteps
)

// stepNames say where something hangs.
var stepNames = [numSteps]string{
	stepRest:    "rest",
	stepEnter:   "read fences from redis",
	stepMemory:  "read back the log for repeats",
	stepFetch:   "fetch from kafka",
	stepDecode:  "decode",
	stepSend:    "wait for a shard",
	stepBury:    "write dead letters to kafka",
	stepPause:   "pause after an error",
	stepApply:   "apply",
	stepLoad:    "load from redis",
	stepCommit:  "commit to redis",
	stepSweep:   "clear silent subjects",
	stepLook:    "look at fences in redis",
	stepFull:    "wait for a full outbox",
	stepOutbox:  "read the outbox from redis",
	stepPublish: "publish to kafka",
}

// pulse is how a goroutine tells that it goes on. It takes an atomic store for each event and no look at the clock. The
// zero value is at rest.
type pulse struct {
	step   atomic.Uint32
	beats  atomic.Uint64 // grows whenever something was done
	place  atomic.Int32  // of a shard: index of the partition whose event it is at, from 1; 0: none
	offset atomic.Int64  // of the event it is at; of a relay, the outbox's entry
}

// at notes the step, and returns the one before.
func (p *pulse) at(s step) (before step) { return step(p.step.Swap(uint32(s))) }

// beat notes that something was done.
func (p *pulse) beat() { p.beats.Add(1) }

// watchdog says of shards, partitions and relays that one of them does not go on: in the log, in a metric, and to who asks.
// It heals nothing.
type watchdog struct {
	metrics *Metrics
	log     *slog.Logger
	quiet   *retry.Throttle // of all that begin to stand
	topics  []topicPartition

	mu     sync.Mutex
	list   []*watched
	looked time.Time
}

// watched is a goroutine under the watchdog's eyes, as it last looked.
type watched struct {
	*pulse
	what  string
	at    topicPartition // of a partition
	shard int            // of a shard, and of a relay
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

// stalled says whether it stands.
func (w *watched) stalled() bool { return w.still >= stallAfter }

func (d *watchdog) watchPartition(p *pulse, at topicPartition) {
	d.watch(&watched{pulse: p, what: "partition", at: at})
}

func (d *watchdog) watchShard(p *pulse, shard int) {
	d.watch(&watched{pulse: p, what: "shard", shard: shard})
}

func (d *watchdog) watchRelay(p *pulse, shard int) {
	d.watch(&watched{pulse: p, what: "relay", shard: shard})
}

func (d *watchdog) watch(w *watched) {
	d.mu.Lock()
	defer d.mu.Unlock()
	w.gauge = d.metrics.stalled.WithLabelValues(w.labels()...)
	d.list = append(d.list, w)
}

// labels are what, topic, partition and shard.
func (w *watched) labels() []string {
	if w.what == "partition" {
		return []string{w.what, w.at.topic, fmt.Sprint(w.at.partition), ""}
	}
	return []string{w.what, "", "", fmt.Sprint(w.shard)}
}

// forget is told of the end of a goroutine.
func (d *watchdog) forget(p *pulse) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list = slices.DeleteFunc(d.list, func(w *watched) bool {
		if w.pulse == p {
			d.metrics.stalled.DeleteLabelValues(w.labels()...)
		}
		return w.pulse == p
	})
}

// run looks until ctx ends.
func (d *watchdog) run(ctx context.Context) {
	retry.Every(ctx, stallLook, d.look)
}

// look compares with what was last seen, and says what has begun to stand, and once nothing does any more. A process that
// was stopped itself takes its sleep for no longer than it would have looked away.
func (d *watchdog) look(now time.Time) {
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
		if held, ok := d.quiet.Pass(); ok {
			d.log.Warn("stalled: nothing was done for some time", append(d.where(w), "seconds", w.still.Seconds(), "held_back", held)...)
		}
	}
	if !standing && d.quiet.Over() {
		d.log.Info("nothing is stalled any more")
	}
}

// look notes what was done since.
func (w *watched) look(passed time.Duration) {
	beats, offset := w.pulse.beats.Load(), w.pulse.offset.Load()
	if beats == w.beats && offset == w.offset && step(w.step.Load()) != stepRest {
		w.still += passed
		return
	}
	w.beats, w.offset, w.still = beats, offset, 0
}

// where are the members of a log line.
func (d *watchdog) where(w *watched) []any {
	list := []any{"what", w.what, "step", stepNames[w.step.Load()]}
	if w.what != "partition" {
		list = append(list, "shard", w.shard)
	}
	if w.what == "relay" {
		return append(list, "entry", w.offset)
	}
	if at, ok := d.placeOf(w); ok {
		list = append(list, "topic", at.topic, "partition", at.partition, "offset", w.offset)
	}
	return list
}

// placeOf is the partition whose events a goroutine is at.
func (d *watchdog) placeOf(w *watched) (topicPartition, bool) {
	if w.what == "partition" {
		return w.at, true
	}
	if n := int(w.place.Load()); n > 0 && n <= len(d.topics) {
		return d.topics[n-1], true
	}
	return topicPartition{}, false
}

// stalls are the goroutines that stand, a line for each.
func (d *watchdog) stalls() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []string
	for _, w := range d.list {
		if w.stalled() && step(w.step.Load()) != stepRest { // else it has begun to go on since the last look
			list = append(list, d.line(w))
		}
	}
	return list
}

func (d *watchdog) line(w *watched) string {
	name, where := fmt.Sprintf("%s %d", w.what, w.shard), ""
	at, ok := d.placeOf(w)
	switch {
	case w.what == "partition":
		name = fmt.Sprintf("partition %s/%d", at.topic, at.partition)
		where = fmt.Sprintf(", at offset %d", w.offset)
	case w.what == "relay":
		where = fmt.Sprintf(", at entry %d", w.offset)
	case ok:
		where = fmt.Sprintf(", at %s/%d offset %d", at.topic, at.partition, w.offset)
	}
	return fmt.Sprintf("%s does nothing for %.0f s%s: %s", name, w.still.Seconds(), where, stepNames[w.step.Load()])
}
