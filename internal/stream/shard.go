package stream

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// shardOptions is what the shards of a process share.
type shardOptions struct {
	program       *Program
	store         windowstore.Store
	keys          windowstore.Keys
	writer        uint64 // this process, for the records' last writer; random
	secret        Secret
	partitions    []topicPartition
	outboxMax     uint64          // entries of a shard's outbox at which reading stops
	outboxFullLog *retry.Throttle // of all shards whose outbox is full
	maxAge        time.Duration   // of a batch
	cacheBytes    int             // of the subjects a shard keeps in memory between batches
	maxEvents     int             // operations of a batch; 0: any
	subjectMax    int             // subjects of a batch, which are in memory beside cacheBytes; 0: any
	keptMax       int             // operations kept for subjects that others write too
	coverage      *coverage
	// resettle puts the store's settings back, where they are absent; nil: nobody does.
	rewriteSettings func(ctx context.Context) error
	// disowned says whether the store is another deployment's, by the owner as stored; nil: nobody asks.
	disowned  func(owner []byte) error
	committed func(shard int) // told after a commit that has crossings
	// before is told each operation before it is applied; nil: nobody is.
	before    func(s *shard, e *entry, o *chunkOp)
	alignment *alignment
	retrier   // metrics and log
	hooks
}

// batchSubjects is subjectMax of the service, times its shards: some 50 MB. A shard's is batchSubjectsLeast at least.
const (
	batchSubjects      = 41_600
	batchSubjectsLeast = 200
)

// shard applies the operations of one shard and commits them. Its subjects are
// touched by its goroutine only. What it has in memory is the store's state as of the
// last commit, and on top of it the operations of the batch.
type shard struct {
	*shardOptions
	number           int
	apply            applier
	subjects         map[string]*entry // by kind and id
	bytes            int               // held by subjects, approximately
	reportedBytes    int               // bytes, as the metrics know it
	emptied          uint32            // the batch in which all that can be forgotten was
	states           []partitionState  // by partition
	head             head
	batch            batch
	load             loader
	commits          commits
	op               operation
	event            []*entry // the subjects of the event being applied
	nth              int      // how many of them had their operation
	clock            int64    // of the partition at s.op, ms
	ended            bool     // the run of s.op goes up to the end of its partition
	name             []byte
	published        uint64       // how far its outbox was published, as last looked at
	peers            atomic.Int64 // processes that may write the same subjects, beside this one
	streamTimeShared atomic.Int64 // streamTime, for other goroutines
	pulse            pulse
}

// entry is a subject with its state in the store.
type entry struct {
	subject
	name    string // kind byte and id: the key in shard.subjects
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
	kept    *chunk   // the operations of this batch, if shared
	base    []uint64 // progress by rule as of the last read, if foreign
}

// batch is what was applied since the last commit.
type batch struct {
	number    uint32
	entries   []*entry
	keys      int
	bytes     int // of the commit, roughly
	kept      int
	ops       int
	begun     time.Time // zero: nothing yet
	urgent    bool      // a crossing waits that is pressing, or one may be near
	conflict  bool      // a subject of it was written by another process: the commit will be refused
	crossings []announced
}

// announced is a crossing that waits for its commit.
type announced struct {
	entry *entry
	value []byte
}

func newShard(number int, o *shardOptions) *shard {
	s := &shard{shardOptions: o, number: number, subjects: map[string]*entry{}, states: make([]partitionState, len(o.partitions))}
	s.batch.number = 1
	s.streamTimeShared.Store(noTime)
	s.apply = applier{program: o.program, emit: s.announce}
	s.apply.since = func(kind thresholds.Kind, counter int) int64 {
		if o.coverage == nil {
			return s.since()
		}
		return laterSince(s.since(), o.coverage.since(kind, counter))
	}
	for i, p := range o.partitions {
		s.states[i].key = o.keys.AppendFenceKey(nil, number, p.topic, p.partition)
		s.states[i].at = position{newest: noTime, seen: noTime, clock: noTime}
	}
	return s
}

// begin makes the shard stand at a fence of an assignment. A shard that stands already
// keeps its place: what it has in memory is still good, and the store says
// otherwise only if it went back, which the next commit finds out. A fence beyond it was moved by another owner: the
// next runs may start past the shard's position, and would be dropped, even if the store has gone back to it since.
func (s *shard) begin(l *assignment, fence []byte, m position) {
	p := &s.states[l.index]
	if p.assignment == l && p.stands {
		if m.offset > p.at.offset {
			s.reset()
		}
		return
	}
	if p.stands {
		s.reset() // the assignment before was not ended: what was applied of it is not to be counted with the new one's place
	}
	p.assignment, p.stands, p.at, p.fence, p.stored = l, true, m.begun(), m, append(p.stored[:0], fence...)
	l.stored[s.number].Store(m.offset)
	l.clocks[s.number].Store(m.clock)
}

// end commits what is pending and gives the assignment up.
func (s *shard) end(ctx context.Context, l *assignment) error {
	p := &s.states[l.index]
	if p.assignment != l {
		return nil
	}
	err := s.commit(ctx)
	p.assignment, p.stands = nil, false
	return err
}

// take applies a run and commits if that cannot wait.
func (s *shard) take(ctx context.Context, l *assignment, r *chunk) error {
	p := &s.states[l.index]
	if p.assignment != l || !p.stands || r.from > p.at.offset {
		return nil
	}
	s.pulse.place.Store(int32(l.index) + 1)
	defer s.pulse.at(s.pulse.at(stepApply))
	if err := s.fill(ctx, r, p.at.offset); err != nil {
		return err
	}
	s.ended = r.to.ended
	if p.at.offset < r.hole.to {
		p.at.since = laterSince(p.at.since, r.hole.since)
	}
	for i := range r.ops {
		o := &r.ops[i]
		if !p.stands {
			return nil
		}
		if o.offset < p.at.offset {
			continue
		}
		if i == 0 || r.ops[i-1].offset != o.offset {
			s.pulse.offset.Store(o.offset)
			faultpoint("apply")
			if err := s.gather(ctx, p, r, i); err != nil || !p.stands {
				return err
			}
		}
		s.one(p, r, i)
		if i+1 < len(r.ops) && r.ops[i+1].offset == o.offset {
			continue
		}
		p.move(position{offset: o.offset + 1, clock: o.clock, newest: o.newest, seen: max(p.at.seen, o.newest), pack: s.program.hash})
		if s.full() {
			if err := s.recommit(ctx, p, r); err != nil {
				return err
			}
		}
	}
	if p.stands && r.to.offset >= p.at.offset {
		p.move(r.to)
	}
	if s.batch.urgent || s.ended && p.deferred == s.batch.number {
		return s.commit(ctx)
	}
	return nil
}

// gather finds the subjects of the event of the i-th operation. What a run needs
// was loaded before it, but a set that grew in the meantime needs more: it is loaded
// before the event, never within one, since loading may commit.
func (s *shard) gather(ctx context.Context, p *partitionState, r *chunk, i int) error {
	for !s.found(r, i) {
		if err := s.fill(ctx, r, r.ops[i].offset); err != nil || !p.stands {
			return err
		}
	}
	return nil
}

// found fills s.event with the subjects of the event of the i-th operation; false:
// not all that they need is loaded.
func (s *shard) found(r *chunk, i int) bool {
	s.event, s.nth = s.event[:0], 0
	for offset := r.ops[i].offset; i < len(r.ops) && r.ops[i].offset == offset; i++ {
		e := s.load.of[i]
		if !e.Whole() {
			r.operation(i, &s.op)
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
func (s *shard) recommit(ctx context.Context, p *partitionState, r *chunk) error {
	if err := s.commit(ctx); err != nil {
		return err
	}
	if !p.stands {
		return nil
	}
	return s.fill(ctx, r, p.at.offset)
}

// one applies the i-th operation of a run, to the next subject of s.event.
func (s *shard) one(p *partitionState, r *chunk, i int) {
	r.operation(i, &s.op)
	e := s.event[s.nth]
	s.nth++
	p.at.newest = r.ops[i].newest
	s.touch(e)
	if e.kept != nil {
		s.keep(e, &r.ops[i])
	}
	crossings := len(s.batch.crossings)
	s.applyTo(e, p.assignment, &r.ops[i])
	if len(s.batch.crossings) > crossings {
		p.deferred = s.batch.number
	}
	if e.foreign && s.nearLevel(e) && s.commitNow() {
		s.batch.urgent = true
	}
}

// applyTo applies s.op, which is o of a run of the assignment, to e.
func (s *shard) applyTo(e *entry, l *assignment, o *chunkOp) {
	m := moment{time: noTime, known: o.time}
	if e.due != never || o.time < o.newest { // else nothing is due, and the stream not past it
		r := s.reach()
		m = r.at(o.newest)
	}
	s.apply.location = location{topic: l.topic, partition: l.partition, offset: o.offset}
	s.clock = o.clock
	if s.before != nil {
		s.before(s, e, o)
	}
	out := s.apply.apply(&e.subject, &s.op, m)
	s.metrics.operation(e.kind, out)
	s.batch.ops++
	s.weigh(e)
}

// touch puts e into the batch.
func (s *shard) touch(e *entry) {
	e.used = s.batch.number
	if e.dirty {
		return
	}
	e.dirty = true
	s.batch.entries = append(s.batch.entries, e)
	e.empty = e.version != nil && forgettable(e.Subject, s.streamTimeShared.Load())
	if s.batch.begun.IsZero() {
		s.batch.begun = s.now()
	}
	if s.peers.Load() > 0 && e.shared > 0 {
		e.kept = &chunk{}
	}
	if e.foreign {
		e.base = s.apply.progresses(&e.subject, e.base[:0])
	}
}

// weigh brings the keys and bytes of the batch up to date after e was changed.
func (s *shard) weigh(e *entry) {
	parts := e.Pending()
	keys, bytes := 1+parts, max(e.wrote, recordBytes)+keyBytes+e.PendingBytes()+(1+parts)*len(e.name)
	s.batch.keys += keys - e.keys
	s.batch.bytes += bytes - e.bytes
	e.keys, e.bytes = keys, bytes
}

// What a commit takes in bytes, about: a small record, and a record's key beside the name.
const (
	recordBytes = 80
	keyBytes    = 20
)

// full says whether the batch must be committed before the next event: the
// most that one event can add is left free, and where other processes write the same subjects room
// for sets of theirs that have grown meanwhile.
func (s *shard) full() bool {
	if s.maxEvents > 0 && s.batch.ops >= s.maxEvents || s.subjectMax > 0 && len(s.batch.entries) >= s.subjectMax {
		return true
	}
	keys := s.commitKeys() + s.program.keysPerEvent
	if s.batch.kept > 0 {
		keys += windowstore.MaxCommitKeys / 8
	}
	return keys > windowstore.MaxCommitKeys || s.batch.bytes >= windowstore.MaxCommitBytes || s.batch.kept >= s.keptMax
}

// commitKeys is how many keys the batch's commit has, at most.
func (s *shard) commitKeys() int { return s.batch.keys + len(s.states) + len(s.batch.crossings) + 1 }

// sharedCommits is for how many commits without a conflict a subject counts as
// one that other processes may write too.
const sharedCommits = 16

// announce takes a crossing from the applier.
func (s *shard) announce(sub *subject, c *thresholds.Crossing) {
	c.Detected = s.now().UnixNano()
	e := s.subjects[string(s.nameOf(sub.kind, []byte(sub.id)))]
	entry := outboxEntry{timestamp: s.clock, value: c.AppendJSON(nil)}
	s.batch.crossings = append(s.batch.crossings, announced{entry: e, value: entry.append(make([]byte, 0, 8+len(entry.value)))})
	s.batch.bytes += len(entry.value)
	s.batch.urgent = s.batch.urgent || s.commitNow()
}

// commitNow says whether the crossing just announced is to be committed at once. It is not while a backlog is read whose records
// have lain in Kafka for ten times as long as a batch waits: it is later by a tenth or so then. A commit for each would write
// all that has changed since the last one, which is most of what a backlog costs if it has many.
func (s *shard) commitNow() bool {
	return s.ended || len(s.batch.crossings) >= deferredMost || s.now().Sub(time.UnixMilli(s.clock)) <= 10*s.maxAge
}

// deferredMost is how many crossings of a backlog are committed at once: the outbox, which is bounded, sees what comes.
const deferredMost = 100

// nameOf is the key of a subject in s.subjects, valid until the next call.
func (s *shard) nameOf(kind thresholds.Kind, id []byte) []byte {
	s.name = append(append(s.name[:0], byte(kind)), id...)
	return s.name
}

// reset forgets everything in memory and sends every assignment back to its fences.
func (s *shard) reset() {
	clear(s.subjects)
	clear(s.load.of)
	s.bytes = 0
	s.batch = batch{number: s.batch.number + 1}
	s.metrics.rewind()
	s.head = head{}
	for i := range s.states {
		p := &s.states[i]
		if p.assignment != nil {
			p.stands, p.at = false, p.fence
			p.assignment.askRestart()
		}
	}
}

// keptOperations bounds, for each shard, the operations kept to be applied
// again when another process was faster; some 100 B each.
const keptOperations = 8_192

const DefaultCacheBytes = 128 << 20
