package shard

import (
	"iter"
	"sort"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// Chunk is the operations that a stretch of a partition's log has for one shard, and the position
// after it. Chunks of an assignment follow each other without a gap. A chunk that begins later than
// the shard stands was sent before a rewind, and is dropped. It is filled by the partition, used by
// the shard, and goes back to the assignment.
type Chunk struct {
	from int64 // offset: what the chunk before went up to
	To   position.Position
	Hole Hole // the last one that lies before it
	Ops  []ChunkOp
	Adds []engine.Addition
	text []byte // subjects' ids and events' ids
}

// ChunkOp is an operation in a chunk, with the partition's clocks at its event.
type ChunkOp struct {
	offset         int64
	Time           int64 // ns
	clock          int64 // ms
	Newest         int64 // ns, this event's included
	subject, event span  // in text
	adds           span  // in adds
	kind           thresholds.Kind
	Partition      int32 // index of the partition
}

// Place is the offset of the event, and its partition's clock there, ms.
func (o *ChunkOp) Place() (offset, clock int64) { return o.offset, o.clock }

// span is a stretch of a slice.
type span struct{ start, end int32 }

// Full reports whether the chunk is to be sent before more is added.
func (r *Chunk) Full(most int) bool {
	return len(r.Ops) >= most || len(r.text) >= chunkText || len(r.Adds) >= chunkAdds
}

// Reset empties the chunk. What unusual events have blown up goes.
func (r *Chunk) Reset(from int64) {
	if cap(r.text) > 2*chunkText {
		r.text = nil
	}
	if cap(r.Adds) > 4*chunkAdds {
		r.Adds = nil
	}
	r.from, r.Ops, r.Adds, r.text, r.Hole = from, r.Ops[:0], r.Adds[:0], r.text[:0], Hole{}
}

// Add puts an operation at the end of the chunk.
func (r *Chunk) Add(o *engine.Operation, place int, offset, clock, newest int64) {
	r.Ops = append(r.Ops, ChunkOp{
		Partition: int32(place), offset: offset, Time: o.Time, clock: clock, Newest: newest, kind: o.Kind,
		subject: r.put(o.ID), event: r.put(o.Event),
		adds: span{int32(len(r.Adds)), int32(len(r.Adds) + len(o.Adds))},
	})
	r.Adds = append(r.Adds, o.Adds...)
}

func (r *Chunk) put(b []byte) span {
	start := len(r.text)
	r.text = append(r.text, b...)
	return span{int32(start), int32(len(r.text))}
}

func (r *Chunk) id(o *ChunkOp) []byte { return r.text[o.subject.start:o.subject.end] }

// Operation fills op from the i-th of the chunk.
func (r *Chunk) Operation(i int, op *engine.Operation) {
	o := &r.Ops[i]
	*op = engine.Operation{
		Kind: o.kind, ID: r.id(o), Event: r.text[o.event.start:o.event.end], Time: o.Time,
		Adds: r.Adds[o.adds.start:o.adds.end],
	}
}

// adds is what the i-th operation adds.
func (r *Chunk) adds(i int) []engine.Addition { return r.Adds[r.Ops[i].adds.start:r.Ops[i].adds.end] }

// index is the number of operations below an offset.
func (r *Chunk) index(offset int64) int {
	return sort.Search(len(r.Ops), func(i int) bool { return r.Ops[i].offset >= offset })
}

// names are the subjects of the operations from the i-th on.
func (r *Chunk) names(i int) iter.Seq[name] {
	return func(yield func(name) bool) {
		for j := i; j < len(r.Ops); j++ {
			if o := &r.Ops[j]; !yield(name{o.kind, r.id(o)}) {
				return
			}
		}
	}
}

// needs are what the operations from the i-th on add; of are the entries of all operations.
func (r *Chunk) needs(i int, of []*Entry) needs {
	return func(yield func(*Entry, []engine.Addition) bool) {
		for j := i; j < len(r.Ops); j++ {
			if !yield(of[j], r.adds(j)) {
				return
			}
		}
	}
}

// Hole is a stretch of a partition's log that was deleted before it was read.
type Hole struct {
	To    int64 // offset after it
	Since int64 // from when on nothing is missing again, ns
}

// Before is the part of the chunk that lies below a position: the chunk itself, if all of it does;
// nil, if nothing. Otherwise the part is taken off the chunk.
func (r *Chunk) Before(to position.Position) *Chunk {
	switch {
	case r.To.Offset <= to.Offset:
		return r
	case r.from >= to.Offset:
		return nil
	}
	n := 0
	for n < len(r.Ops) && r.Ops[n].offset < to.Offset {
		n++
	}
	head := *r
	head.Ops, head.To = r.Ops[:n], to
	r.Ops, r.from = r.Ops[n:], to.Offset
	return &head
}
