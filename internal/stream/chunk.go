package stream

import (
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// chunk is the operations that a stretch of a partition's log has for one shard,
// and the mark behind it. Runs of an assignment follow each other without a gap: a
// run that begins later than the shard stands was sent before a rewind, and is dropped.
// It is filled by the partition, used by the shard, and goes back to the assignment.
type chunk struct {
	from int64 // offset: what the run before went up to
	to   position
	hole hole // the last one that lies before it
	ops  []chunkOp
	adds []addition
	text []byte // subjects' ids and events' ids
}

// chunkOp is an operation in a run, with the partition's clocks at its event.
type chunkOp struct {
	offset         int64
	time           int64 // ns
	clock          int64 // ms
	newest         int64 // ns, this event's included
	subject, event span  // in text
	adds           span  // in adds
	kind           thresholds.Kind
	partition      int32 // index of the partition
}

// span is a stretch of a slice.
type span struct{ start, end int32 }

// What a run may hold before it is sent: as much as the set of a fetch mostly has for a shard. Only a set
// that was compressed well, or whose ids are long, or a pack in which an event feeds many counters has more.
const (
	chunkOps  = 2_048        // operations
	chunkText = 128 << 10    // bytes
	chunkAdds = 4 * chunkOps // additions to counters
)

// full says whether the run is to be sent before more is added.
func (r *chunk) full(most int) bool {
	return len(r.ops) >= most || len(r.text) >= chunkText || len(r.adds) >= chunkAdds
}

// reset empties the run. What unusual events have blown up goes.
func (r *chunk) reset(from int64) {
	if cap(r.text) > 2*chunkText {
		r.text = nil
	}
	if cap(r.adds) > 4*chunkAdds {
		r.adds = nil
	}
	r.from, r.ops, r.adds, r.text, r.hole = from, r.ops[:0], r.adds[:0], r.text[:0], hole{}
}

// add puts an operation at the end of the run.
func (r *chunk) add(o *operation, place int, offset, clock, newest int64) {
	r.ops = append(r.ops, chunkOp{
		partition: int32(place), offset: offset, time: o.time, clock: clock, newest: newest, kind: o.kind,
		subject: r.put(o.id), event: r.put(o.event),
		adds: span{int32(len(r.adds)), int32(len(r.adds) + len(o.adds))},
	})
	r.adds = append(r.adds, o.adds...)
}

func (r *chunk) put(b []byte) span {
	start := len(r.text)
	r.text = append(r.text, b...)
	return span{int32(start), int32(len(r.text))}
}

func (r *chunk) id(o *chunkOp) []byte { return r.text[o.subject.start:o.subject.end] }

// operation fills op from the i-th of the run.
func (r *chunk) operation(i int, op *operation) {
	o := &r.ops[i]
	*op = operation{
		kind: o.kind, id: r.id(o), event: r.text[o.event.start:o.event.end], time: o.time,
		adds: r.adds[o.adds.start:o.adds.end],
	}
}

// hole is a stretch of a partition's log that was deleted before it was read.
type hole struct {
	to    int64 // offset behind it
	since int64 // from when on nothing is missing again, ns
}

// before is what of the run lies below a mark: the run itself, if all of it
// does; nil, if nothing. Else it is taken off the run.
func (r *chunk) before(to position) *chunk {
	switch {
	case r.to.offset <= to.offset:
		return r
	case r.from >= to.offset:
		return nil
	}
	n := 0
	for n < len(r.ops) && r.ops[n].offset < to.offset {
		n++
	}
	head := *r
	head.ops, head.to = r.ops[:n], to
	r.ops, r.from = r.ops[n:], to.offset
	return &head
}
