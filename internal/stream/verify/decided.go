package verify

import (
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// decided is by which rules a subject was decided, as far as that is not by those of the config alone.
type decided struct {
	own    set   // of its partitions, from its first event there on
	all    set   // of the other partitions of its shard, from that time on: who has one of them may have ended its episodes
	unsure bool  // an event came that may lie before a clear, of other rules or of those of now, that was noticed at another moment
	apart  []int // counters that were fed otherwise: their numbers
}

// alone is a subject that only the rules of the config decided.
var alone = decided{own: ours, all: ours}

// noteEra notes by which rules a subject is decided from an operation on.
func (r *recount) noteEra(name uint64, e *shard.Entry, o *shard.ChunkOp) {
	n := r.eras.shardOf(e.Kind, e.ID)
	offset, clock := o.Place()
	own, all := r.eras.from(n, int(o.Partition), offset), r.eras.after(n, int(o.Partition), clock)
	d, noted := r.decided[name]
	if !noted && own|all == ours {
		return
	}
	if !noted {
		d = &decided{}
		r.decided[name] = d
	}
	d.own, d.all = d.own|own, d.all|all
	if t := &r.eras.kinds[e.Kind]; !d.unsure && !(d.own | d.all).within(t.calm&r.eras.takes) {
		d.unsure = t.mayLieBefore(e, o, r.furthest(o, d))
	}
}

// noteEvent notes by which rules the subjects of an event are decided from it on, where rules of before counted it and those of the
// config do not. Only rules of the bits in of are looked at.
func (r *recount) noteEvent(partition int, of set, offset, clock int64, e *event.Event) {
	for kind := range thresholds.NumKinds {
		id := e.Str[kind]
		if id == nil {
			continue
		}
		n := r.eras.shardOf(kind, string(id))
		bit := r.eras.in(n, partition, offset) & of
		if bit.within(r.eras.kinds[kind].takes) || !r.eras.counted(bit, kind, e) {
			continue
		}
		name := nameOf(kind, id)
		d, ok := r.decided[name]
		if !ok {
			d = &decided{}
			r.decided[name] = d
		}
		d.own, d.all = d.own|r.eras.from(n, partition, offset), d.all|r.eras.after(n, partition, clock)
	}
}

// noteEvents has each event noted that rules of before may have counted, and those of the config do not.
func (r *recount) noteEvents() {
	all, alike := set(0), ^set(0)
	for n := range r.eras.any {
		all |= r.eras.any[n]
	}
	for k := range r.eras.kinds {
		alike &= r.eras.kinds[k].takes
	}
	if all.within(alike) {
		return
	}
	for i, p := range r.partitions {
		p.OnEvent(func(offset, clock int64, e *event.Event) { r.noteEvent(i, all, offset, clock, e) })
	}
}

// furthest is how far the stream's time may have been when o came, ns. Where other rules counted other events, or took
// them in otherwise, no more is known than that no event is further ahead of its record.
func (r *recount) furthest(o *shard.ChunkOp, d *decided) int64 {
	high := max(o.Newest, r.partitions[o.Partition].reached)
	if both := d.own | d.all; both.within(r.eras.takes) && both&r.eras.foreign == 0 {
		return high
	}
	_, clock := o.Place()
	return max(high, engine.Nanoseconds(clock)+r.eras.ahead*int64(time.Millisecond))
}

// mayLieBefore reports whether a clear may be dated after the time of o, but no later than high.
func (t *kindEras) mayLieBefore(e *shard.Entry, o *shard.ChunkOp, high int64) bool {
	low := o.Time
	if now, ok := e.Time(); ok {
		low = max(low, now)
	}
	if low >= high {
		return false
	}
	for _, rule := range t.ends {
		if rule.Bucket(low) != rule.Bucket(high) {
			return true
		}
	}
	return false
}

// noteApart notes what an operation feeds that was, or would have been, taken in otherwise.
func (r *recount) noteApart(o *engine.Operation) {
	name := nameOf(o.Kind, o.ID)
	d, ok := r.decided[name]
	if !ok {
		d = &decided{own: ours, all: ours}
		r.decided[name] = d
	}
	for _, a := range o.Adds {
		d.addApart(a.Counter)
	}
}

func (d *decided) addApart(counter int) {
	for _, c := range d.apart {
		if c == counter {
			return
		}
	}
	d.apart = append(d.apart, counter)
}

// decidedBy is by which rules a subject of a shard was decided.
func (r *recount) decidedBy(n int, kind thresholds.Kind, id []byte, known bool) *decided {
	if r.eras == nil {
		return &alone
	}
	d, ok := r.decided[nameOf(kind, id)]
	switch {
	case ok && known:
		return d
	case known:
		return &alone
	case ok: // only by events that are not taken in now
		return &decided{own: d.own | r.eras.any[n], all: d.all | r.eras.any[n], apart: d.apart}
	}
	return &decided{own: r.eras.any[n], all: r.eras.any[n]}
}

// takeOtherwise has what was taken in by other options looked at once more.
func (r *recount) takeOtherwise() {
	for i, p := range r.partitions {
		for number, past := range r.eras.past {
			bit := set(1) << number
			if r.eras.foreign&bit == 0 {
				continue
			}
			p.TakeOtherwise(partition.Otherwise{
				Intake: past.Options(), To: r.eras.to(i, bit),
				Apart: func(offset int64, o *engine.Operation) {
					if r.eras.in(r.eras.shardOf(o.Kind, string(o.ID)), i, offset) == bit {
						r.noteApart(o)
					}
				},
				Event: func(offset, clock int64, e *event.Event) { r.noteEvent(i, bit, offset, clock, e) },
			})
		}
	}
}

// kindEras is what the rules of the past had, by kind of subject; nil: they never changed.
func (r *recount) kindEras() *[thresholds.NumKinds]kindEras {
	if r.eras == nil {
		return nil
	}
	return &r.eras.kinds
}
