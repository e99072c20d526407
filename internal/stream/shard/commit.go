package shard

import (
	"encoding/binary"

	"github.com/seed-afe14ff2/aggregator/internal/stream/watchdog"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// committer builds the commits of a shard, and knows the heads of its outboxes.
type committer struct {
	*Options
	number int // of the shard
	pulse  *watchdog.Pulse
	boxes  [boxes]box
	keys   subjectKeys
	arena  []byte
	writes []write
	parts  []windows.Part
	made   receipt // of the last commit
}

// write is one key and value in the arena, before it has its final place.
type write struct {
	key, value span
	version    []byte // of a record
	kind       writeKind
	of         owner
}

type writeKind uint8

const (
	writeRecord writeKind = iota
	writeCheck            // of a record: its version is compared only
	writePut
)

// build makes the commit of a batch. It has the fences of our assignments, moved to where they
// stand or compared only; changed records with their changed parts; the crossings with the heads
// of their outboxes. The receipt is valid until the next build.
func (w *committer) build(b *batch, ps *positions) *receipt {
	w.arena, w.writes = w.arena[:0], w.writes[:0]
	for _, e := range b.entries {
		if e.Changed() {
			w.addEntry(e)
		} else {
			w.addCheck(e)
		}
	}
	for i := range w.boxes {
		if b.has(i) {
			w.addCrossings(b.crossings, i)
		}
	}
	w.made = receipt{commit: &windowstore.Commit{}, records: w.made.records[:0], fences: w.made.fences[:0]}
	w.addFences(ps)
	for i := range w.writes {
		x := &w.writes[i]
		key, value := w.arena[x.key.start:x.key.end:x.key.end], w.arena[x.value.start:x.value.end:x.value.end]
		switch x.kind {
		case writeCheck:
			w.made.record(windowstore.Record{Key: key, Version: x.version}, x.of)
		case writeRecord:
			w.made.record(windowstore.Record{Key: key, Version: x.version, Value: value}, x.of)
		default:
			w.made.commit.Puts = append(w.made.commit.Puts, windowstore.Put{Key: key, Value: value})
		}
	}
	return &w.made
}

func (w *committer) addEntry(e *Entry) {
	w.parts = e.Dirty(w.parts[:0])
	for _, p := range w.parts {
		start := len(w.arena)
		w.arena = w.keys.appendPart(w.arena, e, p)
		middle := len(w.arena)
		w.arena = e.AppendPart(w.arena, p)
		w.put(write{kind: writePut}, start, middle)
	}
	start := len(w.arena)
	w.arena = w.keys.appendRecord(w.arena, e)
	middle := len(w.arena)
	w.arena = e.AppendRecord(w.arena, w.Version(), w.Writer)
	w.put(write{kind: writeRecord, version: e.version, of: owner{entry: e}}, start, middle)
}

// addCheck has the version of a subject compared that the batch looked at but
// did not change: that nothing changed rests on what was read. Without it an operation that a
// store which went back has lost would be taken for a repeat of itself.
func (w *committer) addCheck(e *Entry) {
	start := len(w.arena)
	w.arena = w.keys.appendRecord(w.arena, e)
	w.put(write{kind: writeCheck, version: e.version, of: owner{entry: e}}, start, len(w.arena))
}

// put adds a write whose key and value are the end of the arena.
func (w *committer) put(x write, start, middle int) {
	x.key, x.value = span{int32(start), int32(middle)}, span{int32(middle), int32(len(w.arena))}
	w.writes = append(w.writes, x)
}

// addCrossings numbers the crossings of an outbox from its head on, and moves the head.
func (w *committer) addCrossings(crossings []announced, number int) {
	b := &w.boxes[number]
	n := b.next
	for _, c := range crossings {
		if c.to != number {
			continue
		}
		start := len(w.arena)
		w.arena = b.keys.AppendOutboxKey(w.arena, w.number, n)
		middle := len(w.arena)
		w.arena = append(w.arena, c.value...)
		w.put(write{kind: writePut}, start, middle)
		n++
	}
	start := len(w.arena)
	w.arena = b.keys.AppendHeadKey(w.arena, w.number)
	middle := len(w.arena)
	version := w.Version()
	w.arena = binary.BigEndian.AppendUint64(append(w.arena, version[:]...), n)
	w.put(write{kind: writeRecord, version: b.version, of: owner{box: number}}, start, middle)
}

// addFences names every fence of ours. Those that do not move are compared
// all the same if there is anything else to write: what was judged rests on them.
func (w *committer) addFences(ps *positions) {
	id := w.Version()
	for i := range ps.states {
		p := &ps.states[i]
		if !p.stands {
			continue
		}
		if p.at != p.fence {
			to := p.at.AppendFence(nil, binary.BigEndian.Uint64(id[:]))
			w.made.fence(windowstore.Fence{Key: p.key, From: p.stored, To: to}, i)
		} else if len(w.writes) > 0 {
			w.made.fence(windowstore.Fence{Key: p.key, From: p.stored}, i)
		}
	}
}
