package shard

import (
	"slices"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
)

// batch is what was applied since the last commit, and what its commit takes.
type batch struct {
	number    uint32
	entries   []*Entry
	fences    int       // of the shard, which each commit may have
	keys      int       // of subjects and their parts
	bytes     int       // of the commit, roughly
	kept      int       // operations kept for redo
	ops       int       // operations applied
	begun     time.Time // zero: nothing yet
	urgent    bool      // a crossing waits that is pressing, or one may be near
	conflict  bool      // a subject of it was written by another process: the commit will be refused
	crossings []announced
}

// announced is a crossing that waits for its commit.
type announced struct {
	entry *Entry
	to    int    // which outbox, or noBox
	value []byte // as the outbox will have it
	told  metrics.Crossing
}

// next is the batch after b, with b's memory.
func (b *batch) next() batch {
	return batch{number: b.number + 1, fences: b.fences, entries: b.entries[:0], crossings: b.crossings[:0]}
}

// add puts a subject into the batch.
func (b *batch) add(e *Entry) {
	e.dirty = true
	b.entries = append(b.entries, e)
}

// weigh brings the keys and bytes up to date after e was changed.
func (b *batch) weigh(e *Entry) {
	parts := e.Pending()
	keys, bytes := 1+parts, max(e.wrote, recordBytes)+keyBytes+e.PendingBytes()+(1+parts)*len(e.Name)
	b.keys += keys - e.keys
	b.bytes += bytes - e.bytes
	e.keys, e.bytes = keys, bytes
}

// What a commit takes in bytes, about: a small record, and a record's key beside the name.
const (
	recordBytes = 80
	keyBytes    = 20
)

// commitKeys is how many keys the batch's commit has, at most.
func (b *batch) commitKeys() int { return b.keys + b.fences + len(b.crossings) + boxes }

// has reports whether the batch has crossings for an outbox.
func (b *batch) has(box int) bool {
	return slices.ContainsFunc(b.crossings, func(a announced) bool { return a.to == box })
}

// keep notes op, which is o of its chunk, for redo.
func (b *batch) keep(e *Entry, op *engine.Operation, o *ChunkOp) {
	e.kept.Add(op, int(o.Partition), o.offset, o.clock, o.Newest)
	b.kept++
}

// withdraw takes the crossings of e back.
func (b *batch) withdraw(e *Entry) {
	b.crossings = slices.DeleteFunc(b.crossings, func(a announced) bool { return a.entry == e })
}

// clean makes the subjects of the batch be as they are in the store.
func (b *batch) clean() {
	for _, e := range b.entries {
		e.Clean()
		e.dirty, e.keys, e.bytes, e.kept = false, 0, 0, nil
	}
}
