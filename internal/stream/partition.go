package stream

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// partitionOptions is what the partitions of a process share.
type partitionOptions struct {
	program   *Program
	secret    Secret
	intake    IntakeOptions
	source    source
	store     windowstore.Atomic
	keys      windowstore.Keys
	shards    []chan message
	dead      deadLetters
	alignment *alignment
	chunkOps  int // operations of a run at which it is sent
	retrier       // metrics and log
	// refuseLost: the store lost its fences: stand still, do not count again.
	refuseLost bool
	start      Start           // of the group
	standing   *retry.Throttle // of all partitions that stand still
	surplus    *retry.Throttle // of all that pass records over
	holes      *holes
	dedupe     *dedupeCache
}

// partition reads one partition, decides what each record is and hands the
// operations to the shards. It belongs to one goroutine.
type partition struct {
	*partitionOptions
	assignment     *assignment
	counted        bool // the group had counted it: a store without fences has lost them
	stream         reader
	out            stretches // of the log, that were passed over once
	in             *Intake
	record         fetch.Record
	headers        []event.Header
	current        []*chunk // by shard; nil: none being filled
	sent           []int64  // by shard: offset of the last mark sent
	marked         time.Time
	next           int64 // offset behind the last record taken
	clock          int64 // running maximum of timestamps up to next, ms
	heard          time.Time
	idle           bool
	ended          bool // caught up
	held           bool // waits for other partitions
	full           bool // something gathered is at its bound: it is to be sent before more is read
	pendingLetters []deadLetter
	pendingBytes   int    // of dying, bytes
	lettersSafeTo  int64  // offset up to which dead letters are safe
	shortened      uint64 // of in.ids, as told to the metrics
	seen           int64  // newest time of any event looked at, ns; noTime: none
	bound          int64  // time up to which it may read without asking the alignment
	decisions
	damaged    retry.Throttle // of what it says of a log that is
	gap        hole           // the last one met
	lossLogged bool           // that the store lost fences was said
	pulse      pulse

	entered bool          // it stands behind its fences, and reads
	backoff retry.Backoff // after errors, until it is asked to go back
}

func newPartition(o *partitionOptions, l *assignment) *partition {
	p := &partition{
		partitionOptions: o, assignment: l, counted: l.groupAt > l.begin,
		in:      NewIntake(o.program, o.secret, o.intake),
		current: make([]*chunk, len(o.shards)), sent: make([]int64, len(o.shards)),
		decisions: decisions{decidedTo: -1}, backoff: retry.Backoff{First: 50 * time.Millisecond, Most: 5 * time.Second},
	}
	o.dedupe.give(p)
	return p
}

// run reads until ctx ends. What fails is tried again: a partition's function
// that returns ends the whole generation.
func (p *partition) run(ctx context.Context) {
	p.begin()
	defer p.stream.Close()
	for ctx.Err() == nil {
		if pause := p.turn(ctx); pause > 0 {
			p.pulse.at(stepPause)
			retry.Wait(ctx, pause)
		}
	}
	p.end()
}

// begin is what comes before the first turn.
func (p *partition) begin() {
	p.alignment.local[p.assignment.index].Store(true)
	p.stream = p.open(0)
}

// end is what comes after the last turn.
func (p *partition) end() {
	p.dedupe.keep(p)
	p.finish()
}

// turn goes to the fences, or takes one set. It returns how long to pause after an error.
func (p *partition) turn(ctx context.Context) (pause time.Duration) {
	err := p.advance(ctx)
	switch {
	case err == nil || ctx.Err() != nil:
		return 0
	case errors.Is(err, errRestart):
		p.backoff.Reset()
		return 0
	}
	pause = p.backoff.Next()
	if held, ok := p.throttleOf(err).Pass(); ok {
		p.log.Log(ctx, standstill(pause), "partition stalled", "topic", p.assignment.topic, "partition", p.assignment.partition,
			"error", explainStandstill(err), "held_back", held)
	}
	return pause
}

// advance goes to the fences, from which it reads on until a shard asks to go back to them or something fails.
func (p *partition) advance(ctx context.Context) (err error) {
	if !p.entered {
		err = p.resume(ctx)
		p.entered = err == nil
		return err
	}
	select {
	case <-p.assignment.restart:
		err = errRestart
	default:
		err = p.step(ctx)
	}
	p.entered = err == nil
	return err
}

// open begins to read, without what was passed over.
func (p *partition) open(offset int64) reader {
	return &passing{reader: p.source.Open(p.assignment.topic, p.assignment.partition, offset), out: &p.out, at: offset}
}

// throttleOf is whose turn it is to say that a partition stands still: what is wrong with servers is one line for all partitions, where a
// log is damaged each says its own place.
func (p *partition) throttleOf(err error) *retry.Throttle {
	if _, ok := errors.AsType[*fetch.Corrupt](err); ok {
		return &p.damaged
	}
	return p.standing
}

// standstill is the level at which a partition says that it stands still: an error if it lasts.
func standstill(pause time.Duration) slog.Level {
	if pause > time.Second {
		return slog.LevelError
	}
	return slog.LevelWarn
}

// resume goes back to the fences.
func (p *partition) resume(ctx context.Context) error {
	p.pulse.at(stepEnter)
	at, err := p.restore(ctx)
	if err != nil {
		return err
	}
	p.lossLogged = false
	p.pulse.at(stepMemory)
	if err := p.rebuildDedupe(ctx, at); err != nil {
		return err
	}
	p.stream.SeekTo(at.offset)
	p.next, p.clock, p.in.newest = at.offset, at.clock, at.newest
	p.heard, p.idle, p.ended = time.Now(), false, false
	p.pendingLetters, p.pendingBytes, p.full = p.pendingLetters[:0], 0, false
	p.seen, p.bound = at.seen, noTime
	p.alignment.set(p.assignment.index, p.seen, false)
	for i := range p.sent {
		p.sent[i] = at.offset
		p.release(i)
	}
	return nil
}

var errRestart = errors.New("a shard went back to its fence")

// step takes one set.
func (p *partition) step(ctx context.Context) error {
	p.pulse.at(stepFetch)
	set, err := p.stream.Next(ctx)
	if over, ok := errors.AsType[*passedOver](err); ok {
		return p.passOver(ctx, over.gone)
	}
	if gone, ok := errors.AsType[*fetch.OutOfRange](err); ok {
		return p.skip(ctx, gone)
	}
	if err != nil {
		return err
	}
	p.pulse.at(stepDecode)
	began, first := time.Now(), p.next
	for {
		more, err := set.Read(ctx, &p.record)
		if err != nil { // what was read before is to be counted, and others are not to wait for it
			return cmp.Or(p.flushEarly(ctx, began), err)
		}
		if !more {
			break
		}
		if err := p.take(ctx); err != nil {
			return err
		}
		if p.full {
			if err := p.flushEarly(ctx, began); err != nil {
				return err
			}
		}
	}
	next, end := set.Span()
	p.next = max(p.next, next)
	p.listen(began, p.next > first, p.next >= end)
	if err := p.flush(ctx, began); err != nil {
		return err
	}
	if p.next > first || p.next >= end {
		p.pulse.beat()
	}
	return nil
}

// listen keeps up whether the partition is caught up and silent.
func (p *partition) listen(now time.Time, heard, caughtUp bool) {
	if heard || !caughtUp {
		p.heard = now
	}
	p.idle, p.ended = now.Sub(p.heard) > silence, caughtUp
}

// silence is how long a partition that is caught up may be silent before the
// stream's time goes on without it (contract section 3).
const silence = time.Minute

// take decides what p.record is, and puts its operations into the shards' runs.
func (p *partition) take(ctx context.Context) error {
	r := &p.record
	p.pulse.offset.Store(r.Offset)
	if f := r.Fault; f != nil && f.Kind == fetch.Surplus {
		p.count(numVerdicts, r)
		return nil
	}
	v, refused := p.decide(r)
	if v == numVerdicts {
		p.seen = max(p.seen, p.in.event.Time)
		if err := p.hold(ctx, p.in.event.Time); err != nil {
			return err
		}
	}
	p.next = r.Next()
	var ops []operation
	if v == numVerdicts {
		if ops, v = p.in.operations(), matched; len(ops) == 0 {
			v = unmatched
		}
	}
	p.count(v, r)
	if refused != nil {
		p.refuse(r, refused)
	}
	for i := range ops {
		o := &ops[i]
		x, err := p.chunkFor(ctx, p.shardOf(o))
		if err != nil {
			return err
		}
		x.add(o, p.assignment.index, r.Offset, p.clock, p.in.newest)
		p.full = p.full || x.full(p.chunkOps)
	}
	return nil
}

// count tells the metrics what became of a record, once: what is read again after a rewind was counted then.
func (p *partition) count(v verdict, r *fetch.Record) {
	if r.Offset < p.reportedTo {
		return
	}
	p.reportedTo = r.Next()
	if v < numVerdicts {
		p.metrics.event(v)
	}
	if f := r.Fault; f != nil && f.PassedOver > 0 {
		p.metrics.passedOver(f.PassedOver)
		if held, ok := p.surplus.Pass(); ok {
			p.log.Warn("records passed over: they do not fit their batch", "topic", p.assignment.topic, "partition", p.assignment.partition,
				"offset", r.Offset, "records", f.PassedOver, "error", f, "held_back", held)
		}
	}
}

// refuse makes a dead letter of a record, unless it is safe already.
func (p *partition) refuse(r *fetch.Record, reason error) {
	if r.Offset < p.lettersSafeTo {
		return
	}
	p.pendingLetters = append(p.pendingLetters, newDeadLetter(p.assignment, r, reason))
	p.pendingBytes += p.pendingLetters[len(p.pendingLetters)-1].bytes()
	p.full = p.pendingBytes >= lettersAtOnce
}

// decide says whether a record is malformed, ahead or a duplicate, with the
// reason; else it answers numVerdicts, and the record is to be matched.
func (p *partition) decide(r *fetch.Record) (verdict, error) {
	if err := p.decode(r); err != nil {
		return refusal(err)
	}
	if p.in.tooNew(nanoseconds(r.Timestamp)) {
		return ahead, aheadOf(p.in.event.Time, r.Timestamp, p.in.maxAhead)
	}
	p.clock = max(p.clock, r.Timestamp)
	if p.repeated(r) {
		return duplicate, nil
	}
	return numVerdicts, nil
}

// decode reads a record into p.in.event, if it is an event and has a timestamp.
func (p *partition) decode(r *fetch.Record) error {
	if r.Fault != nil {
		return faulty(r.Fault)
	}
	if r.Timestamp == noTimestamp {
		return errNoTimestamp
	}
	p.headers = p.headers[:0]
	for _, h := range r.Headers {
		p.headers = append(p.headers, event.Header{Key: h.Key, Value: h.Value})
	}
	return p.in.decoder.DecodeRecord(&p.in.event, r.Value, p.headers)
}

// faulty is why a record that was not read, or not whole, is no event.
func faulty(f *fetch.Fault) error {
	reason := event.ReasonTooLarge
	if f.Kind == fetch.Unreadable {
		reason = event.ReasonUnreadable
	}
	return &event.Malformed{Reason: reason, Offset: -1, Detail: f.Error()}
}

// repeated says whether a record is a duplicate. What was decided before a
// rewind stays so: the memory of ids has moved on since.
func (p *partition) repeated(r *fetch.Record) bool {
	if r.Offset < p.decidedTo {
		_, was := slices.BinarySearch(p.repeats, r.Offset)
		return was
	}
	p.decidedTo = r.Offset + 1
	if !p.in.repeated(r.Timestamp) {
		return false
	}
	p.repeats = append(p.repeats, r.Offset)
	p.forget()
	return true
}

// forget drops the duplicates that no rewind can come back to.
func (p *partition) forget() {
	if len(p.repeats)%1024 != 0 {
		return
	}
	if low, ok := p.assignment.committed(); ok {
		i, _ := slices.BinarySearch(p.repeats, low)
		p.repeats = append(p.repeats[:0], p.repeats[i:]...)
		p.knownFrom = max(p.knownFrom, low)
	}
}

func (p *partition) shardOf(o *operation) int {
	return windowstore.ShardOf(o.kind.String(), o.id, len(p.shards))
}
