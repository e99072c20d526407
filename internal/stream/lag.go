package stream

import (
	"context"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
)

// lags are what a process knows of the ends of the logs of its partitions. It outlives a generation: while the group is lost,
// what was last known stays. The zero value knows nothing.
type lags map[position.TopicPartition]*lagging

// lagging is what is known of the end of a partition's log.
type lagging struct {
	ends  fetch.Ends
	known bool          // ends
	seen  []sight       // where the log ended, rising
	apart time.Duration // that sights are kept, except the last

	// The oldest record not counted that was in the log before anybody looked, as last asked for.
	asked            bool
	offset, recorded int64 // recorded: its Kafka timestamp, ms
}

// sight is where a log ended at a time.
type sight struct {
	end int64
	at  time.Time
}

// sightsMost is how many sights are kept of a partition. It has many only while nothing of it is counted.
const sightsMost = 64

func (l lags) of(at position.TopicPartition) *lagging {
	if l[at] == nil {
		l[at] = &lagging{}
	}
	return l[at]
}

// keep forgets all partitions except some.
func (l *lags) keep(these []position.TopicPartition) {
	kept := lags{}
	for _, at := range these {
		if x := (*l)[at]; x != nil {
			kept[at] = x
		}
	}
	*l = kept
}

// saw notes the ends of the log, as they were at a time or later.
func (x *lagging) saw(e fetch.Ends, at time.Time) {
	x.ends, x.known = e, true
	n := len(x.seen)
	switch {
	case n > 0 && e.End == x.seen[n-1].end:
		x.seen[n-1].at = at
	case n > 0 && e.End < x.seen[n-1].end: // the log lost its end
		x.seen, x.asked = []sight{{e.End, at}}, false
	case n > 1 && x.seen[n-1].at.Sub(x.seen[n-2].at) < x.apart:
		x.seen[n-1] = sight{e.End, at}
	default:
		x.seen = append(x.seen, sight{e.End, at})
	}
	if len(x.seen) > sightsMost {
		x.thin()
	}
}

// thin leaves sights out, so that the rest is twice as far apart.
func (x *lagging) thin() {
	x.apart = max(2*x.apart, 2*measureEvery)
	kept := x.seen[:1]
	for i, s := range x.seen[1:] {
		if s.at.Sub(kept[len(kept)-1].at) >= x.apart || i == len(x.seen)-2 {
			kept = append(kept, s)
		}
	}
	x.seen = kept
}

// since is a time when the record at an offset was not in the log yet, the last that is known; false: none is. Offsets only rise.
func (x *lagging) since(offset int64) (time.Time, bool) {
	for len(x.seen) > 1 && x.seen[1].end <= offset {
		x.seen = x.seen[1:]
	}
	if len(x.seen) == 1 {
		x.apart = 0
	}
	if len(x.seen) == 0 || x.seen[0].end > offset {
		return time.Time{}, false
	}
	return x.seen[0].at, true
}

// measureOne measures the lag of one partition, up to the end of the log: what an open transaction holds back belongs to it.
// Where Kafka does not answer, the end is where it was.
func (g *generation) measureOne(ctx context.Context, l *shard.Assignment) {
	x, asked := g.run.lags.of(l.At()), time.Now()
	e, err := g.run.clients.cluster.Ends(ctx, l.Topic, l.Partition)
	if err == nil {
		x.saw(e, asked)
	}
	g.noteLag(ctx, l, x)
	if err == nil && ctx.Err() == nil {
		g.tellHeld(ctx, l, e, time.Now())
	}
}

// noteLag gives the metrics how far a partition lags, by what is known.
func (g *generation) noteLag(ctx context.Context, l *shard.Assignment, x *lagging) {
	if !x.known {
		return
	}
	offset := max(x.ends.Start, countedTo(l))
	behind, oldest := max(0, x.ends.End-offset), int64(engine.NoTime)
	if behind > 0 {
		oldest = g.oldest(ctx, l, x, offset)
	}
	g.run.metrics.Lag.Behind(l.At(), behind, oldest)
}

// countedTo is the offset up to which a partition is counted and stored. Until every shard has begun with it, and something may keep
// them from that for long, it is where the group has committed.
func countedTo(l *shard.Assignment) int64 {
	if offset, begun := l.Committed(); begun {
		return offset
	}
	return max(l.Begin, l.GroupAt)
}

// oldest is since when the record at an offset waits to be counted, ms. Whoever watches the log has seen the record come. Of one
// that was there before, its Kafka timestamp says it. Where that cannot be asked for, it is what was last known.
func (g *generation) oldest(ctx context.Context, l *shard.Assignment, x *lagging, offset int64) int64 {
	if at, ok := x.since(offset); ok {
		return at.UnixMilli()
	}
	if x.asked && x.offset == offset {
		return x.recorded
	}
	switch recorded, err := g.run.clients.cluster.Timestamp(ctx, l.Topic, l.Partition, offset); {
	case err == nil && recorded >= 0:
		x.asked, x.offset, x.recorded = true, offset, recorded
	case !x.asked:
		return l.Given.UnixMilli()
	}
	return x.recorded
}
