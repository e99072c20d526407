package shard

import (
	"bytes"
	"context"
	"sync/atomic"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/faultpoint"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watchdog"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// Shard applies the operations of one shard and commits them. Its subjects are
// touched by its goroutine only. What it has in memory is the store's state as of the
// last commit, and on top of it the operations of the batch.
type Shard struct {
	*Options
	Number           int
	Apply            engine.Applier
	Subjects         map[string]*Entry // by kind and id
	Bytes            int               // held by subjects, approximately
	reportedBytes    int               // bytes, as the metrics know it
	Emptied          uint32            // the batch in which all that can be forgotten was
	States           []partitionState  // by partition
	Head             head
	Batch            batch
	load             loader
	commits          commits
	op               engine.Operation
	event            []*Entry // the subjects of the event being applied
	nth              int      // how many of them had their operation
	clock            int64    // of the partition at s.op, ms
	ended            bool     // the run of s.op goes up to the end of its partition
	name             []byte
	crossing         []byte       // scratch of announce
	published        uint64       // how far its outbox was published, as last looked at
	Peers            atomic.Int64 // processes that may write the same subjects, beside this one
	StreamTimeShared atomic.Int64 // streamTime, for other goroutines
	Pulse            watchdog.Pulse
}

// Entry is a subject with its state in the store.
type Entry struct {
	engine.Subject
	Name    string // kind byte and id: the key in shard.subjects
	version []byte // in the store; nil: there is no record
	loaded  bool
	foreign bool // another process has written the record
	shared  int  // our commits of it for which its operations are still kept, to be redone if another process writes it
	dirty   bool // in the batch
	empty   bool // its windows were empty before the batch: it may be forgotten
	keys    int  // of the batch, that are this subject's
	bytes   int  // of the batch, about
	wrote   int  // bytes of the record in the store; 0: there is none
	size    int  // as counted in shard.bytes
	used    uint32
	reread  uint64   // the read in which it was found to be out of date
	indexed uint64   // the delay with which the index of armed subjects has its clear, at most
	kept    *Chunk   // the operations of this batch, if shared
	base    []uint64 // progress by rule as of the last read, if foreign
}

// batch is what was applied since the last commit.
type batch struct {
	Number    uint32
	entries   []*Entry
	fences    int       // of the shard, which each commit may have
	keys      int       // of subjects and their parts
	Bytes     int       // of the commit, roughly
	kept      int       // operations kept for redo
	ops       int       // operations applied
	Begun     time.Time // zero: nothing yet
	urgent    bool      // a crossing waits that is pressing, or one may be near
	conflict  bool      // a subject of it was written by another process: the commit will be refused
	Crossings []announced
}

// announced is a crossing that waits for its commit.
type announced struct {
	entry *Entry
	Value []byte
}

func New(number int, o *Options) *Shard {
	s := &Shard{Options: o, Number: number, Subjects: map[string]*Entry{}, States: make([]partitionState, len(o.Partitions))}
	s.Batch = batch{Number: 1, fences: len(o.Partitions)}
	s.StreamTimeShared.Store(engine.NoTime)
	s.Apply = engine.Applier{Program: o.Program, Emit: s.announce}
	s.Apply.Since = func(kind thresholds.Kind, counter int) int64 {
		if o.Settings.Coverage == nil {
			return s.since()
		}
		return position.LaterSince(s.since(), o.Settings.Coverage.Since(kind, counter))
	}
	for i, p := range o.Partitions {
		s.States[i].Key = o.Keys.AppendFenceKey(nil, number, p.Topic, p.Partition)
		s.States[i].At = position.Position{Newest: engine.NoTime, Seen: engine.NoTime, Clock: engine.NoTime}
	}
	return s
}

// Begin makes the shard stand at a fence of an assignment. A shard that stands already
// keeps its place: what it has in memory is still good, and the store says
// otherwise only if it went back, which the next commit finds out. A fence beyond it was moved by another owner: the
// next runs may start past the shard's position, and would be dropped, even if the store has gone back to it since.
func (s *Shard) Begin(l *Assignment, fence []byte, m position.Position) {
	p := &s.States[l.Index]
	if p.assignment == l && p.Stands {
		if m.Offset > p.At.Offset {
			s.reset()
		}
		return
	}
	if p.Stands {
		s.reset() // the assignment before was not ended: what was applied of it is not to be counted with the new one's place
	}
	p.assignment, p.Stands, p.At, p.fence, p.Stored = l, true, m.AtStart(), m, append(p.Stored[:0], fence...)
	l.stored[s.Number].Store(m.Offset)
	l.clocks[s.Number].Store(m.Clock)
}

// End commits what is pending and gives the assignment up.
func (s *Shard) End(ctx context.Context, l *Assignment) error {
	p := &s.States[l.Index]
	if p.assignment != l {
		return nil
	}
	err := s.Commit(ctx)
	p.assignment, p.Stands = nil, false
	return err
}

// Take applies a run and commits if that cannot wait.
func (s *Shard) Take(ctx context.Context, l *Assignment, r *Chunk) error {
	p := &s.States[l.Index]
	if p.assignment != l || !p.Stands || r.from > p.At.Offset {
		return nil
	}
	s.Pulse.Place.Store(int32(l.Index) + 1)
	defer s.Pulse.At(s.Pulse.At(watchdog.StepApply))
	if err := s.fill(ctx, r, p.At.Offset); err != nil {
		return err
	}
	s.ended = r.To.Ended
	if p.At.Offset < r.Hole.To {
		p.At.Since = position.LaterSince(p.At.Since, r.Hole.Since)
	}
	for i := range r.Ops {
		o := &r.Ops[i]
		if !p.Stands {
			return nil
		}
		if o.offset < p.At.Offset {
			continue
		}
		if i == 0 || r.Ops[i-1].offset != o.offset {
			s.Pulse.Offset.Store(o.offset)
			faultpoint.Pass("apply")
			if err := s.gather(ctx, p, r, i); err != nil || !p.Stands {
				return err
			}
		}
		s.one(p, r, i)
		if i+1 < len(r.Ops) && r.Ops[i+1].offset == o.offset {
			continue
		}
		p.move(position.Position{Offset: o.offset + 1, Clock: o.clock, Newest: o.Newest, Seen: max(p.At.Seen, o.Newest), Pack: s.Program.Hash})
		if s.due(&s.Batch, point{place: afterEvent}, time.Time{}) != notDue {
			if err := s.recommit(ctx, p, r); err != nil {
				return err
			}
		}
	}
	if p.Stands && r.To.Offset >= p.At.Offset {
		p.move(r.To)
	}
	if s.due(&s.Batch, point{place: afterChunk, ended: s.ended, deferred: p.deferred == s.Batch.Number}, time.Time{}) != notDue {
		return s.Commit(ctx)
	}
	return nil
}

// gather finds the subjects of the event of the i-th operation. What a run needs
// was loaded before it, but a set that grew in the meantime needs more: it is loaded
// before the event, never within one, since loading may commit.
func (s *Shard) gather(ctx context.Context, p *partitionState, r *Chunk, i int) error {
	for !s.found(r, i) {
		if err := s.fill(ctx, r, r.Ops[i].offset); err != nil || !p.Stands {
			return err
		}
	}
	return nil
}

// found fills s.event with the subjects of the event of the i-th operation; false:
// not all that they need is loaded.
func (s *Shard) found(r *Chunk, i int) bool {
	s.event, s.nth = s.event[:0], 0
	for offset := r.Ops[i].offset; i < len(r.Ops) && r.Ops[i].offset == offset; i++ {
		e := s.load.of[i]
		if !e.Whole() {
			r.Operation(i, &s.op)
			if !s.load.complete(e, &s.op) {
				return false
			}
		}
		s.event = append(s.event, e)
	}
	return true
}

// recommit commits in the middle of a run. Subjects that another process
// changed were read again: what the rest of the run needs is loaded again.
func (s *Shard) recommit(ctx context.Context, p *partitionState, r *Chunk) error {
	if err := s.Commit(ctx); err != nil {
		return err
	}
	if !p.Stands {
		return nil
	}
	return s.fill(ctx, r, p.At.Offset)
}

// one applies the i-th operation of a run, to the next subject of s.event.
func (s *Shard) one(p *partitionState, r *Chunk, i int) {
	r.Operation(i, &s.op)
	e := s.event[s.nth]
	s.nth++
	p.At.Newest = r.Ops[i].Newest
	s.touch(e)
	if e.kept != nil {
		s.keep(e, &r.Ops[i])
	}
	crossings := len(s.Batch.Crossings)
	fed := s.applyTo(e, p.assignment, &r.Ops[i])
	if len(s.Batch.Crossings) > crossings {
		p.deferred = s.Batch.Number
	}
	if e.foreign && s.nearLevel(e, fed) && s.pressing() {
		s.Batch.urgent = true
	}
}

// applyTo applies s.op, which is o of a run of the assignment, to e, and gives the rules that it fed.
func (s *Shard) applyTo(e *Entry, l *Assignment, o *ChunkOp) (fed []int) {
	m := engine.Moment{Time: engine.NoTime, Known: o.Time}
	if e.Due != engine.Never || o.Time < o.Newest { // else nothing is due, and the stream not past it
		r := s.reach()
		m = r.At(o.Newest)
	}
	s.Apply.Location = engine.Location{Topic: l.Topic, Partition: l.Partition, Offset: o.offset}
	s.clock = o.clock
	if s.OnApply != nil {
		s.OnApply(s, e, o)
	}
	out := s.Apply.Apply(&e.Subject, &s.op, m)
	s.Metrics.Operation(e.Kind, out)
	s.Batch.ops++
	s.weigh(e)
	return out.Fed
}

// touch puts e into the batch.
func (s *Shard) touch(e *Entry) {
	e.used = s.Batch.Number
	if e.dirty {
		return
	}
	e.dirty = true
	s.Batch.entries = append(s.Batch.entries, e)
	e.empty = e.version != nil && engine.Forgettable(e.Subject.Subject, s.StreamTimeShared.Load())
	if s.Batch.Begun.IsZero() {
		s.Batch.Begun = s.Now()
	}
	if s.Peers.Load() > 0 && e.shared > 0 {
		e.kept = &Chunk{}
	}
	if e.foreign {
		e.base = s.Apply.AppendProgress(e.base[:0], &e.Subject)
	}
}

// weigh brings the keys and bytes of the batch up to date after e was changed.
func (s *Shard) weigh(e *Entry) {
	parts := e.Pending()
	keys, bytes := 1+parts, max(e.wrote, recordBytes)+keyBytes+e.PendingBytes()+(1+parts)*len(e.Name)
	s.Batch.keys += keys - e.keys
	s.Batch.Bytes += bytes - e.bytes
	e.keys, e.bytes = keys, bytes
}

// What a commit takes in bytes, about: a small record, and a record's key beside the name.
const (
	recordBytes = 80
	keyBytes    = 20
)

// CommitKeys is how many keys the batch's commit has, at most.
func (b *batch) CommitKeys() int { return b.keys + b.fences + len(b.Crossings) + 1 }

// announce takes a crossing from the applier.
func (s *Shard) announce(sub *engine.Subject, c *thresholds.Crossing) {
	c.Detected = s.Now().UnixNano()
	e := s.Subjects[string(s.NameOf(sub.Kind, []byte(sub.ID)))]
	s.crossing = outbox.AppendEntry(s.crossing[:0], s.OutboxFormat(), s.clock, c)
	s.Batch.Crossings = append(s.Batch.Crossings, announced{entry: e, Value: bytes.Clone(s.crossing)})
	s.Batch.Bytes += len(s.crossing)
	s.Batch.urgent = s.Batch.urgent || s.pressing()
}

// pressing reports whether a crossing at the operation being applied is to be committed at once.
func (s *Shard) pressing() bool {
	return s.Policy.pressing(len(s.Batch.Crossings), s.ended, s.Now().Sub(time.UnixMilli(s.clock)))
}

// NameOf is the key of a subject in s.subjects, valid until the next call.
func (s *Shard) NameOf(kind thresholds.Kind, id []byte) []byte {
	s.name = append(append(s.name[:0], byte(kind)), id...)
	return s.name
}

// reset forgets everything in memory and sends every assignment back to its fences.
func (s *Shard) reset() {
	clear(s.Subjects)
	clear(s.load.of)
	s.Bytes = 0
	s.Batch = batch{Number: s.Batch.Number + 1, fences: len(s.States)}
	s.Metrics.Rewind()
	s.Head = head{}
	for i := range s.States {
		p := &s.States[i]
		if p.assignment != nil {
			p.Stands, p.At = false, p.fence
			p.assignment.askRestart()
		}
	}
}
