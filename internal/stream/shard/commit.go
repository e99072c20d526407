package shard

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/faultpoint"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watchdog"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// commits is the scratch memory of a shard's writes.
type commits struct {
	arena   []byte
	writes  []write
	moved   []int // places whose fences are in the commit
	parts   []windows.Part
	touched []*Entry // whose records are in the commit, in its order
}

// write is one key and value in the arena, before it has its final place.
type write struct {
	key, value span
	version    []byte // of a record
	kind       writeKind
}

type writeKind uint8

const (
	writeRecord writeKind = iota
	writeCheck            // of a record: its version is compared only
	writePut
)

// head is the outbox's head: the number of the next entry.
type head struct {
	read    bool
	version []byte // nil: there is no record
	Next    uint64
}

// Commit writes the batch as one atomic step. It tries until the store
// answers; an error is ctx's end, or damage. Afterwards the batch is empty: written, or
// forgotten with everything else if the store refused it.
func (s *Shard) Commit(ctx context.Context) error {
	for {
		if len(s.Batch.Crossings) > 0 && !s.Head.read {
			if err := s.ReadHead(ctx); err != nil {
				return err
			}
		}
		c := s.build()
		if len(c.Fences) == 0 && len(c.Records) == 0 {
			s.written(ctx, c)
			return nil
		}
		again, err := s.send(ctx, c)
		if err != nil || !again {
			return err
		}
	}
}

// send writes c and deals with the answer. It says whether the commit is to be
// built and sent again.
func (s *Shard) send(ctx context.Context, c *windowstore.Commit) (again bool, err error) {
	var res windowstore.Result
	started := time.Now()
	before := s.Pulse.At(watchdog.StepCommit)
	err = s.Retrier.Retry(ctx, metrics.OperationCommit, s.Number, func() (err error) {
		faultpoint.Pass("commit")
		res, err = s.Store.Commit(ctx, s.Number, c)
		return err
	})
	s.Pulse.At(before)
	faultpoint.Pass("committed")
	if err != nil {
		return false, err
	}
	s.Metrics.Commit(time.Since(started), c)
	switch {
	case res.Outcome == windowstore.Done:
		s.written(ctx, c)
	case wroteBefore(c, res):
		s.written(ctx, c)
	case res.Outcome == windowstore.Fenced:
		s.refused(c, res)
		s.reset()
	default:
		s.Metrics.Conflict()
		return s.reconcile(ctx, res)
	}
	return false, nil
}

// refused says what the first fence that differs means.
func (s *Shard) refused(c *windowstore.Commit, res windowstore.Result) {
	f := res.Fences[0]
	for i := range s.States {
		if p := &s.States[i]; p.Stands && bytes.Equal(p.Key, c.Fences[f.Index].Key) {
			s.reportMismatch(p, f.Value)
		}
	}
}

// wroteBefore says whether a refusal means that the very same commit was written
// before, by a try whose answer was lost: fences and versions are of this commit alone.
func wroteBefore(c *windowstore.Commit, res windowstore.Result) bool {
	for _, p := range res.Fences {
		f := &c.Fences[p.Index]
		if f.To == nil || !bytes.Equal(p.Value, f.To) {
			return false
		}
	}
	for _, p := range res.Records {
		if r := &c.Records[p.Index]; r.Value == nil || !bytes.Equal(p.Value, r.Value) {
			return false
		}
	}
	return true
}

// build makes the commit of the batch: the fences of our assignments, moved to where
// they stand or compared only; changed records with their changed parts; the
// crossings with the outbox's head.
func (s *Shard) build() *windowstore.Commit {
	w := &s.commits
	w.arena, w.writes, w.touched, w.moved = w.arena[:0], w.writes[:0], w.touched[:0], w.moved[:0]
	for _, e := range s.Batch.entries {
		if e.Changed() {
			s.buildEntry(e)
		} else {
			s.buildCheck(e)
		}
	}
	if len(s.Batch.Crossings) > 0 {
		s.buildOutbox()
	}
	c := &windowstore.Commit{}
	s.buildFences(c)
	for i := range w.writes {
		x := &w.writes[i]
		key, value := w.arena[x.key.start:x.key.end:x.key.end], w.arena[x.value.start:x.value.end:x.value.end]
		switch x.kind {
		case writeCheck:
			c.Records = append(c.Records, windowstore.Record{Key: key, Version: x.version})
		case writeRecord:
			c.Records = append(c.Records, windowstore.Record{Key: key, Version: x.version, Value: value})
		default:
			c.Puts = append(c.Puts, windowstore.Put{Key: key, Value: value})
		}
	}
	return c
}

func (s *Shard) buildEntry(e *Entry) {
	w := &s.commits
	w.parts = e.Dirty(w.parts[:0])
	for _, p := range w.parts {
		start := len(w.arena)
		w.arena = s.appendPartKey(w.arena, e, p)
		middle := len(w.arena)
		w.arena = e.AppendPart(w.arena, p)
		w.put(writePut, start, middle, nil)
	}
	start := len(w.arena)
	w.arena = s.appendRecordKey(w.arena, e)
	middle := len(w.arena)
	w.arena = e.AppendRecord(w.arena, s.Version(), s.Writer)
	w.put(writeRecord, start, middle, e.version)
	w.touched = append(w.touched, e)
}

// buildCheck has the version of a subject compared that the batch looked at but
// did not change: that nothing changed rests on what was read. Without it an operation that a
// store which went back has lost would be taken for a repeat of itself.
func (s *Shard) buildCheck(e *Entry) {
	w := &s.commits
	start := len(w.arena)
	w.arena = s.appendRecordKey(w.arena, e)
	w.put(writeCheck, start, len(w.arena), e.version)
	w.touched = append(w.touched, e)
}

func (w *commits) put(kind writeKind, start, middle int, version []byte) {
	w.writes = append(w.writes, write{
		kind: kind, version: version,
		key: span{int32(start), int32(middle)}, value: span{int32(middle), int32(len(w.arena))},
	})
}

// buildOutbox numbers the crossings from the head on. The head's record is the
// last one of the commit.
func (s *Shard) buildOutbox() {
	w := &s.commits
	n := s.Head.Next
	for _, c := range s.Batch.Crossings {
		start := len(w.arena)
		w.arena = s.Keys.AppendOutboxKey(w.arena, s.Number, n)
		middle := len(w.arena)
		w.arena = append(w.arena, c.Value...)
		w.put(writePut, start, middle, nil)
		n++
	}
	start := len(w.arena)
	w.arena = s.Keys.AppendHeadKey(w.arena, s.Number)
	middle := len(w.arena)
	version := s.Version()
	w.arena = binary.BigEndian.AppendUint64(append(w.arena, version[:]...), n)
	w.put(writeRecord, start, middle, s.Head.version)
}

// buildFences names every fence of ours. Those that do not move are compared
// all the same if there is anything else to write: what was judged rests on them.
func (s *Shard) buildFences(c *windowstore.Commit) {
	id := s.Version()
	for i := range s.States {
		p := &s.States[i]
		if !p.Stands {
			continue
		}
		if p.At != p.fence {
			to := p.At.AppendFence(nil, binary.BigEndian.Uint64(id[:]))
			s.commits.moved = append(s.commits.moved, i)
			c.Fences = append(c.Fences, windowstore.Fence{Key: p.Key, From: p.Stored, To: to})
		} else if len(s.commits.writes) > 0 {
			c.Fences = append(c.Fences, windowstore.Fence{Key: p.Key, From: p.Stored})
		}
	}
}

// written notes that the batch is in the store.
func (s *Shard) written(ctx context.Context, c *windowstore.Commit) {
	for i, f := range c.Fences {
		if f.To == nil {
			continue
		}
		for _, n := range s.commits.moved {
			if p := &s.States[n]; bytes.Equal(p.Key, c.Fences[i].Key) {
				p.Stored, p.fence = append(p.Stored[:0], f.To...), p.At
				p.assignment.stored[s.Number].Store(p.At.Offset)
				p.assignment.clocks[s.Number].Store(p.At.Clock)
			}
		}
	}
	for i, e := range s.commits.touched {
		if c.Records[i].Value == nil {
			continue
		}
		if len(e.version) == 0 {
			s.Metrics.SubjectMade(e.Kind)
		}
		e.version, e.wrote = append(e.version[:0], c.Records[i].Value[:windows.VersionSize]...), len(c.Records[i].Value)
		e.shared = max(0, e.shared-1)
	}
	if len(s.Batch.Crossings) > 0 {
		s.headWritten(c.Records[len(c.Records)-1].Value)
		if s.OnCrossings != nil {
			s.OnCrossings(s.Number)
		}
	}
	s.indexChanged(ctx)
	s.close()
	faultpoint.Pass("indexed")
}

// indexChanged puts the subjects with new crossings into the index of armed
// subjects, or takes them out, and dates those anew that are less far behind the stream than when they were put there.
func (s *Shard) indexChanged(ctx context.Context) {
	var changed []*Entry
	for _, c := range s.Batch.Crossings {
		if n := len(changed); c.entry != nil && (n == 0 || changed[n-1] != c.entry) {
			changed = append(changed, c.entry)
		}
	}
	for _, e := range s.Batch.entries {
		if e.Due != engine.Never && e.Delay() < e.indexed {
			changed = append(changed, e)
		}
	}
	if len(changed) > 0 {
		s.index(ctx, changed)
		_ = s.recheckIndex(ctx, changed) // fails only if ctx ends: then the next owner's scan puts it right
	}
}

// close ends the batch.
func (s *Shard) close() {
	for _, e := range s.Batch.entries {
		e.Clean()
		e.dirty, e.keys, e.bytes, e.kept = false, 0, 0, nil
		s.count(e)
	}
	entries, crossings := s.Batch.entries[:0], s.Batch.Crossings[:0]
	s.Batch = batch{Number: s.Batch.Number + 1, fences: len(s.States), entries: entries, Crossings: crossings}
}

// count brings up to date what an entry takes of the memory for subjects.
func (s *Shard) count(e *Entry) {
	size := e.Size() + entrySize + len(e.Name)
	s.Bytes += size - e.size
	e.size = size
}

// entrySize is about what an entry takes beside its subject, in bytes.
const entrySize = 400

func (s *Shard) headWritten(value []byte) {
	version, next := outbox.ParseHead(value)
	s.Head.version, s.Head.Next = append(s.Head.version[:0], version...), next
}

// ReadHead reads the outbox's head. Where it alone is gone, the next entry is the
// first absent one behind those published.
func (s *Shard) ReadHead(ctx context.Context) error {
	var stored []byte
	next := uint64(0)
	defer s.Pulse.At(s.Pulse.At(watchdog.StepLoad))
	err := s.Retrier.Retry(ctx, metrics.OperationLoad, s.Number, func() (err error) {
		stored, next, err = s.loadHead(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if next > 0 {
		s.recordGone("the outbox's head")
	}
	s.Head = head{read: true, Next: next}
	return s.takeHead(stored)
}

// loadHead is the head as stored; where it is absent, the first number, from those published on, of which there is no entry.
// Each read takes the head along: another process may write the first one meanwhile.
func (s *Shard) loadHead(ctx context.Context) (stored []byte, next uint64, err error) {
	key := s.Keys.AppendHeadKey(nil, s.Number)
	values, err := s.Store.Load(ctx, s.Number, [][]byte{key, s.Keys.AppendPublishedKey(nil, s.Number)}, nil)
	if err != nil {
		return nil, 0, err
	}
	if values[0] != nil {
		return values[0], 0, nil
	}
	for next = outbox.ParsePublished(values[1]); ; next++ {
		values, err = s.Store.Load(ctx, s.Number, [][]byte{key, s.Keys.AppendOutboxKey(nil, s.Number, next)}, nil)
		if err != nil {
			return nil, 0, err
		}
		if values[0] != nil {
			return values[0], 0, nil
		}
		if values[1] == nil {
			return nil, next, nil
		}
	}
}

// takeHead takes the head as stored. One that is absent is for readHead to look into.
func (s *Shard) takeHead(value []byte) error {
	if value == nil {
		return nil
	}
	if version, _ := outbox.ParseHead(value); version == nil {
		return fmt.Errorf("load shard %d, the outbox's head: %w", s.Number, ErrDamaged)
	}
	s.headWritten(value)
	return nil
}
