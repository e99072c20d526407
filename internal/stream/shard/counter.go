package shard

import (
	"bytes"
	"context"
	"sync/atomic"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/faultpoint"
	"github.com/seed-afe14ff2/aggregator/internal/stream/listing"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watchdog"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// counter has what a shard counts with, and applies and commits. Its subjects are
// touched by the shard's goroutine only. What it has in memory is the store's state as of the
// last commit, and on top of it the operations of the batch.
type counter struct {
	*Options
	Number           int
	apply            engine.Applier
	positions        positions
	cache            cache
	batch            batch
	commits          committer
	at               moment
	entries          []*Entry           // memory for those of a chunk
	event            []*Entry           // memory for those of an event
	crossing         []byte             // memory for an entry of the outbox
	changes          []listing.Change   // memory for those of a subject
	values           []thresholds.Value // memory for those of a rule
	Peers            atomic.Int64       // processes that may write the same subjects, beside this one
	StreamTimeShared atomic.Int64       // StreamTime, for other goroutines
	Pulse            watchdog.Pulse
}

// moment is what the crossings that are announced come of: the last operation that was applied.
type moment struct {
	clock int64 // of its partition, ms
	ended bool  // its chunk goes up to the end of its partition
}

// Begin makes the shard stand at a fence of an assignment.
func (s *counter) Begin(l *Assignment, fence []byte, m position.Position) {
	if s.positions.begin(l, fence, m) {
		s.forget()
	}
}

// End commits what is pending and gives the assignment up.
func (s *counter) End(ctx context.Context, l *Assignment) error {
	if s.positions.states[l.Index].assignment != l {
		return nil
	}
	err := s.Commit(ctx)
	s.positions.end(l)
	return err
}

// Take applies a chunk and commits if that cannot wait.
func (s *counter) Take(ctx context.Context, l *Assignment, r *Chunk) error {
	p := &s.positions.states[l.Index]
	if p.assignment != l || !p.stands || r.from > p.at.Offset {
		return nil
	}
	s.Pulse.Place.Store(int32(l.Index) + 1)
	defer s.Pulse.At(s.Pulse.At(watchdog.StepApply))
	of, err := s.fill(ctx, r, p.at.Offset)
	if err != nil {
		return err
	}
	s.at.ended = r.To.Ended
	if p.at.Offset < r.Hole.To {
		p.at.Since = position.LaterSince(p.at.Since, r.Hole.Since)
	}
	for i := 0; i < len(r.Ops) && p.stands; {
		o := &r.Ops[i]
		if o.offset < p.at.Offset {
			i++
			continue
		}
		s.Pulse.Offset.Store(o.offset)
		faultpoint.Pass("apply")
		var event []*Entry
		if event, of, err = s.gather(ctx, p, r, i, of); err != nil || !p.stands {
			return err
		}
		for n, e := range event {
			s.one(p, r, i+n, e)
		}
		i += len(event)
		o = &r.Ops[i-1]
		p.move(position.Position{Offset: o.offset + 1, Clock: o.clock, Newest: o.Newest, Seen: max(p.at.Seen, o.Newest), Pack: s.Program.Hash})
		if s.due(&s.batch, point{place: afterEvent}, time.Time{}) == notDue {
			continue
		}
		// Subjects that another process changed are read again by the commit: what the rest of the chunk needs is loaded again.
		if err := s.Commit(ctx); err != nil || !p.stands {
			return err
		}
		if of, err = s.fill(ctx, r, p.at.Offset); err != nil {
			return err
		}
	}
	if !p.stands {
		return nil
	}
	if r.To.Offset >= p.at.Offset {
		p.move(r.To)
	}
	if s.due(&s.batch, point{place: afterChunk, ended: s.at.ended, deferred: p.deferred == s.batch.number}, time.Time{}) != notDue {
		return s.Commit(ctx)
	}
	return nil
}

// fill returns the entry of each operation of r, nil before offset. It reads what they need and the shard does
// not have: records first, then their parts.
func (s *counter) fill(ctx context.Context, r *Chunk, offset int64) ([]*Entry, error) {
	from := r.index(offset)
	of := append(s.entries[:0], make([]*Entry, from)...)
	of, err := s.cache.read(ctx, of, r.names(from))
	if s.entries = of; err != nil {
		return nil, err
	}
	return of, s.complete(ctx, r.needs(from, of))
}

// complete reads the parts that are needed and not loaded. Where another process wrote what is in the batch it commits, which may
// rewind the shard.
func (s *counter) complete(ctx context.Context, list needs) error {
	for resets := s.cache.resets; s.cache.resets == resets; {
		wants := s.cache.missing(list)
		if len(wants) == 0 {
			return nil
		}
		conflict, err := s.cache.readParts(ctx, wants)
		s.batch.conflict = s.batch.conflict || conflict
		if err != nil {
			return err
		}
		if s.due(&s.batch, point{place: afterRead}, time.Time{}) != notDue {
			if err := s.Commit(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// gather finds the subjects of the event of the i-th operation; of are the subjects of the chunk.
// What a chunk needs was loaded before it, but a set that grew in the meantime needs more. That is
// loaded before the event, never within one, since loading may commit.
func (s *counter) gather(ctx context.Context, p *partitionState, r *Chunk, i int, of []*Entry) (event, all []*Entry, err error) {
	for {
		whole := true
		event = s.event[:0]
		for j := i; j < len(r.Ops) && r.Ops[j].offset == r.Ops[i].offset && whole; j++ {
			whole = s.cache.complete(of[j], r.adds(j))
			event = append(event, of[j])
		}
		if s.event = event; whole {
			return event, of, nil
		}
		if of, err = s.fill(ctx, r, r.Ops[i].offset); err != nil || !p.stands {
			return nil, of, err
		}
	}
}

// one applies the i-th operation of a chunk, to its subject.
func (s *counter) one(p *partitionState, r *Chunk, i int, e *Entry) {
	o := &r.Ops[i]
	var op engine.Operation
	r.Operation(i, &op)
	p.at.Newest = o.Newest
	s.touch(e)
	if e.kept != nil {
		s.batch.keep(e, &op, o)
	}
	crossings := len(s.batch.crossings)
	fed := s.applyTo(e, p.assignment, &op, o)
	if len(s.batch.crossings) > crossings {
		p.deferred = s.batch.number
	}
	if e.foreign && nearLevel(&s.apply, e, fed, uint64(s.Peers.Load())) && s.pressing() {
		s.batch.urgent = true
	}
}

// applyTo applies an operation, which is o of a chunk of the assignment, to e. It returns the rules that it fed.
func (s *counter) applyTo(e *Entry, l *Assignment, op *engine.Operation, o *ChunkOp) (fed []int) {
	m := engine.Moment{Time: engine.NoTime, Known: o.Time}
	if e.Due != engine.Never || o.Time < o.Newest { // else nothing is due, and the stream not past it
		r := s.positions.reach()
		m = r.At(o.Newest)
	}
	s.apply.Location = engine.Location{Topic: l.Topic, Partition: l.Partition, Offset: o.offset}
	s.at.clock = o.clock
	if s.OnApply != nil {
		s.OnApply(&s.apply, e, o)
	}
	out := s.apply.Apply(&e.Subject, op, m)
	s.Metrics.Operation(e.Kind, out)
	s.batch.ops++
	s.batch.weigh(e)
	s.follow(e, out.Fed)
	return out.Fed
}

// touch puts e into the batch.
func (s *counter) touch(e *Entry) {
	e.used = s.batch.number
	if e.dirty {
		return
	}
	s.batch.add(e)
	if !e.begun {
		s.beginNear(e)
		e.begun = true
	}
	e.empty = e.version != nil && engine.Forgettable(e.Subject.Subject, s.StreamTimeShared.Load())
	if s.batch.begun.IsZero() {
		s.batch.begun = s.Now()
	}
	if s.Peers.Load() > 0 && e.shared > 0 {
		e.kept = &Chunk{}
	}
	if e.foreign {
		e.base = s.apply.AppendProgress(e.base[:0], &e.Subject)
	}
}

// announce takes a crossing from the applier.
func (s *counter) announce(sub *engine.Subject, c *thresholds.Crossing) {
	to, format, ok := s.boxOf(sub, c.Rule)
	if !ok {
		return
	}
	c.Detected, c.Producer = s.Now().UnixNano(), s.Producer
	a := announced{entry: s.cache.get(name{sub.Kind, []byte(sub.ID)}), to: to}
	if to == noBox {
		a.told = metrics.Crossing{Rule: c.Rule.ID, Level: c.Level.String(), Status: c.Status()}
	} else {
		s.crossing = outbox.AppendEntry(s.crossing[:0], format, s.at.clock, c)
		a.value = bytes.Clone(s.crossing)
	}
	s.batch.crossings = append(s.batch.crossings, a)
	s.batch.bytes += len(a.value)
	s.batch.urgent = s.batch.urgent || to != noBox && s.pressing()
}

// boxOf is the outbox that a crossing of a subject goes to, and the format of its entry there; false: it is dropped. Where crossings of
// shadow rules cannot be published, so that their outbox is full, more of them are only counted.
func (s *counter) boxOf(sub *engine.Subject, r *thresholds.Rule) (to int, format outbox.Format, ok bool) {
	if r.Shadow {
		if !s.Shadow || s.commits.boxes[shadowBox].full(s.OutboxMax) {
			return noBox, 0, true
		}
		return shadowBox, outbox.FormatHeader, true
	}
	canary := sub.Kind == thresholds.Canary
	format, ok = s.OutboxFormat().Of(canary)
	return liveBox, format, ok && !(canary && s.commits.boxes[liveBox].full(canaryRoom))
}

// pressing reports whether a crossing at the operation being applied is to be committed at once.
func (s *counter) pressing() bool {
	return s.Policy.pressing(len(s.batch.crossings), s.at.ended, s.Now().Sub(time.UnixMilli(s.at.clock)))
}

// reset forgets everything in memory and sends every assignment back to its fences.
func (s *counter) reset() {
	s.positions.rewind()
	s.forget()
}

// forget forgets everything in memory except where partitions stand.
func (s *counter) forget() {
	s.cache.reset()
	s.begin(batch{number: s.batch.number + 1, fences: s.batch.fences})
	for i := range s.commits.boxes {
		s.commits.boxes[i].head = head{}
	}
	s.Metrics.Rewind()
}

// begin begins a batch.
func (s *counter) begin(b batch) { s.batch, s.cache.batch = b, b.number }

// StreamTime is the time the stream has reached: the smallest newest time of the partitions,
// without those that are caught up and silent. If all are, it is the largest.
func (s *counter) StreamTime() int64 {
	r := s.positions.reach()
	return r.Time()
}
