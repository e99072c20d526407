package partition

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watchdog"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Partition reads one partition, decides what each record is and hands the
// operations to the shards. It belongs to one goroutine.
type Partition struct {
	*Shared
	Assignment     *shard.Assignment
	counted        bool // the group had counted it: a store without fences has lost them
	Stream         fetch.Reader
	Out            Stretches // of the log, that were passed over once
	In             *engine.Intake
	Record         fetch.Record
	headers        []event.Header
	current        []*shard.Chunk // by shard; nil: none being filled
	Sent           []int64        // by shard: offset of the last mark sent
	Marked         time.Time
	Next           int64 // offset behind the last record taken
	Clock          int64 // running maximum of timestamps up to next, ms
	heard          time.Time
	idle           bool
	ended          bool // caught up
	held           bool // waits for other partitions
	full           bool // something gathered is at its bound: it is to be sent before more is read
	pendingLetters []DeadLetter
	pendingBytes   int    // of dying, bytes
	LettersSafeTo  int64  // offset up to which dead letters are safe
	shortened      uint64 // of in.ids, as told to the metrics
	Seen           int64  // newest time of any event looked at, ns; noTime: none
	Bound          int64  // time up to which it may read without asking the alignment
	decisions
	damaged    retry.Throttle // of what it says of a log that is
	Gap        shard.Hole     // the last one met
	lossLogged bool           // that the store lost fences was said
	Pulse      watchdog.Pulse

	Entered bool          // it stands behind its fences, and reads
	backoff retry.Backoff // after errors, until it is asked to go back
}

// New is a partition of an assignment. It goes on with the ids that this process remembers of it.
func (s *Shared) New(l *shard.Assignment) *Partition {
	p := &Partition{
		Shared: s, Assignment: l, counted: l.GroupAt > l.Begin,
		In:      engine.NewIntake(s.Program, s.Secret, s.Intake),
		current: make([]*shard.Chunk, len(s.Shards)), Sent: make([]int64, len(s.Shards)),
		decisions: decisions{DecidedTo: -1}, backoff: retry.Backoff{First: 50 * time.Millisecond, Most: 5 * time.Second},
	}
	s.dedupe.give(p)
	return p
}

// Run reads until ctx ends. What fails is tried again: a partition's function
// that returns ends the whole generation.
func (p *Partition) Run(ctx context.Context) {
	p.Begin()
	defer p.Stream.Close()
	for ctx.Err() == nil {
		if pause := p.Turn(ctx); pause > 0 {
			p.Pulse.At(watchdog.StepPause)
			retry.Wait(ctx, pause)
		}
	}
	p.End()
}

// Begin is what comes before the first turn.
func (p *Partition) Begin() {
	p.Alignment.Local[p.Assignment.Index].Store(true)
	p.Stream = p.Open(0)
}

// End is what comes after the last turn.
func (p *Partition) End() {
	p.dedupe.keep(p)
	p.finish()
}

// Turn goes to the fences, or takes one set. It returns how long to pause after an error.
func (p *Partition) Turn(ctx context.Context) (pause time.Duration) {
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
		p.Log.Log(ctx, standstill(pause), "partition stalled", "topic", p.Assignment.Topic, "partition", p.Assignment.Partition,
			"error", ExplainStandstill(err), "held_back", held)
	}
	return pause
}

// advance goes to the fences, from which it reads on until a shard asks to go back to them or something fails.
func (p *Partition) advance(ctx context.Context) (err error) {
	if !p.Entered {
		err = p.resume(ctx)
		p.Entered = err == nil
		return err
	}
	select {
	case <-p.Assignment.Restart:
		err = errRestart
	default:
		err = p.Step(ctx)
	}
	p.Entered = err == nil
	return err
}

// Open begins to read, without what was passed over.
func (p *Partition) Open(offset int64) fetch.Reader {
	return &passing{Reader: p.Source.Open(p.Assignment.Topic, p.Assignment.Partition, offset), out: &p.Out, at: offset}
}

// throttleOf is whose turn it is to say that a partition stands still: what is wrong with servers is one line for all partitions, where a
// log is damaged each says its own place.
func (p *Partition) throttleOf(err error) *retry.Throttle {
	if _, ok := errors.AsType[*fetch.Corrupt](err); ok {
		return &p.damaged
	}
	return &p.stalled
}

// standstill is the level at which a partition says that it stands still: an error if it lasts.
func standstill(pause time.Duration) slog.Level {
	if pause > time.Second {
		return slog.LevelError
	}
	return slog.LevelWarn
}

// resume goes back to the fences.
func (p *Partition) resume(ctx context.Context) error {
	p.Pulse.At(watchdog.StepEnter)
	at, err := p.restore(ctx)
	if err != nil {
		return err
	}
	p.lossLogged = false
	p.Pulse.At(watchdog.StepMemory)
	if err := p.RebuildDedupe(ctx, at); err != nil {
		return err
	}
	p.Stream.SeekTo(at.Offset)
	p.Next, p.Clock, p.In.Newest = at.Offset, at.Clock, at.Newest
	p.heard, p.idle, p.ended = time.Now(), false, false
	p.pendingLetters, p.pendingBytes, p.full = p.pendingLetters[:0], 0, false
	p.Seen, p.Bound = at.Seen, engine.NoTime
	p.Alignment.Set(p.Assignment.Index, p.Seen, false)
	for i := range p.Sent {
		p.Sent[i] = at.Offset
		p.release(i)
	}
	return nil
}

var errRestart = errors.New("a shard went back to its fence")

// Step takes one set.
func (p *Partition) Step(ctx context.Context) error {
	p.Pulse.At(watchdog.StepFetch)
	set, err := p.Stream.Next(ctx)
	if over, ok := errors.AsType[*PassedOver](err); ok {
		return p.passOver(ctx, over.Gone)
	}
	if gone, ok := errors.AsType[*fetch.OutOfRange](err); ok {
		return p.Skip(ctx, gone)
	}
	if err != nil {
		return err
	}
	p.Pulse.At(watchdog.StepDecode)
	began, first := time.Now(), p.Next
	for {
		more, err := set.Read(ctx, &p.Record)
		if err != nil { // what was read before is to be counted, and others are not to wait for it
			return cmp.Or(p.flushEarly(ctx, began), err)
		}
		if !more {
			break
		}
		if err := p.Take(ctx); err != nil {
			return err
		}
		if p.full {
			if err := p.flushEarly(ctx, began); err != nil {
				return err
			}
		}
	}
	next, end := set.Span()
	p.Next = max(p.Next, next)
	p.listen(began, p.Next > first, p.Next >= end)
	if err := p.Flush(ctx, began); err != nil {
		return err
	}
	if p.Next > first || p.Next >= end {
		p.Pulse.Beat()
	}
	return nil
}

// listen keeps up whether the partition is caught up and silent.
func (p *Partition) listen(now time.Time, heard, caughtUp bool) {
	if heard || !caughtUp {
		p.heard = now
	}
	p.idle, p.ended = now.Sub(p.heard) > Silence, caughtUp
}

// Silence is how long a partition that is caught up may be silent before the
// stream's time goes on without it (contract section 3).
const Silence = time.Minute

// Take decides what p.record is, and puts its operations into the shards' runs.
func (p *Partition) Take(ctx context.Context) error {
	r := &p.Record
	p.Pulse.Offset.Store(r.Offset)
	if f := r.Fault; f != nil && f.Kind == fetch.Surplus {
		p.report(r)
		return nil
	}
	v, refused := p.Decide(r)
	if v == engine.Accepted {
		p.Seen = max(p.Seen, p.In.Event.Time)
		if err := p.hold(ctx, p.In.Event.Time); err != nil {
			return err
		}
	}
	p.Next = r.Next()
	var ops []engine.Operation
	if v == engine.Accepted {
		if ops, v = p.In.Operations(), engine.Matched; len(ops) == 0 {
			v = engine.Unmatched
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
		x.Add(o, p.Assignment.Index, r.Offset, p.Clock, p.In.Newest)
		p.full = p.full || x.Full(p.chunkOps)
	}
	return nil
}

// count tells the metrics what became of a record, once.
func (p *Partition) count(v engine.Verdict, r *fetch.Record) {
	if p.report(r) {
		p.Metrics.Event(v)
	}
}

// report tells the metrics and the log of the records that were passed over with this one. It reports whether the metrics
// are to be told of the record itself: what is read again after a rewind was counted then.
func (p *Partition) report(r *fetch.Record) bool {
	if r.Offset < p.reportedTo {
		return false
	}
	p.reportedTo = r.Next()
	if f := r.Fault; f != nil && f.PassedOver > 0 {
		p.Metrics.PassedOver(f.PassedOver)
		if held, ok := p.surplus.Pass(); ok {
			p.Log.Warn("records passed over: they do not fit their batch", "topic", p.Assignment.Topic, "partition", p.Assignment.Partition,
				"offset", r.Offset, "records", f.PassedOver, "error", f, "held_back", held)
		}
	}
	return true
}

// refuse makes a dead letter of a record, unless it is safe already.
func (p *Partition) refuse(r *fetch.Record, reason error) {
	if r.Offset < p.LettersSafeTo {
		return
	}
	p.pendingLetters = append(p.pendingLetters, newDeadLetter(p.Assignment, r, reason))
	p.pendingBytes += p.pendingLetters[len(p.pendingLetters)-1].bytes()
	p.full = p.pendingBytes >= lettersAtOnce
}

// Decide says whether a record is malformed, ahead or a duplicate, with the
// reason. Otherwise it is accepted, and is to be matched.
func (p *Partition) Decide(r *fetch.Record) (engine.Verdict, error) {
	if err := p.decode(r); err != nil {
		return engine.Refusal(err)
	}
	if p.In.TooNew(engine.Nanoseconds(r.Timestamp)) {
		return engine.Ahead, engine.AheadOf(p.In.Event.Time, r.Timestamp, p.In.MaxAhead)
	}
	p.Clock = max(p.Clock, r.Timestamp)
	if p.repeated(r) {
		return engine.Duplicate, nil
	}
	return engine.Accepted, nil
}

// decode reads a record into p.in.event, if it is an event and has a timestamp.
func (p *Partition) decode(r *fetch.Record) error {
	if r.Fault != nil {
		return faulty(r.Fault)
	}
	if r.Timestamp == engine.NoTimestamp {
		return engine.ErrNoTimestamp
	}
	p.headers = p.headers[:0]
	for _, h := range r.Headers {
		p.headers = append(p.headers, event.Header{Key: h.Key, Value: h.Value})
	}
	return p.In.Decoder.DecodeRecord(&p.In.Event, r.Value, p.headers)
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
func (p *Partition) repeated(r *fetch.Record) bool {
	if r.Offset < p.DecidedTo {
		_, was := slices.BinarySearch(p.repeats, r.Offset)
		return was
	}
	p.DecidedTo = r.Offset + 1
	if !p.In.Repeated(r.Timestamp) {
		return false
	}
	p.repeats = append(p.repeats, r.Offset)
	p.forget()
	return true
}

// forget drops the duplicates that no rewind can come back to.
func (p *Partition) forget() {
	if len(p.repeats)%1024 != 0 {
		return
	}
	if low, ok := p.Assignment.Committed(); ok {
		i, _ := slices.BinarySearch(p.repeats, low)
		p.repeats = append(p.repeats[:0], p.repeats[i:]...)
		p.knownFrom = max(p.knownFrom, low)
	}
}

func (p *Partition) shardOf(o *engine.Operation) int {
	return windowstore.ShardOf(o.Kind.String(), o.ID, len(p.Shards))
}
