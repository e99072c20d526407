package partition

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watchdog"
)

// Partition reads one partition, decides what each record is and hands the
// operations to the shards. It belongs to one goroutine.
type Partition struct {
	*Shared
	Deciding   // since it went to its fences
	Assignment *shard.Assignment
	Pulse      watchdog.Pulse

	origin  origin
	log     lookback
	decide  decider
	out     outgoing
	letters letters
	hearing hearing
	pace    pace

	record  records.Record  // the one last read, whose bytes are its set's
	named   map[string]bool // types of events that need not be named in the log
	next    int64           // offset after the last record taken
	entered bool            // it stands after its fences, and reads
	damaged retry.Throttle  // of what it says of a log that is damaged
	backoff retry.Backoff   // after errors, until it is asked to go back
	lag     atomic.Int64    // of in, for other goroutines
}

// New is a partition of an assignment. It goes on with the ids that this process remembers of it.
func (s *Shared) New(l *shard.Assignment) *Partition {
	p := &Partition{
		Shared: s, Assignment: l, named: map[string]bool{},
		pace:    pace{alignment: s.Alignment, index: l.Index},
		backoff: retry.Backoff{First: 50 * time.Millisecond, Most: 5 * time.Second},
	}
	p.Deciding = *s.deciding.Load()
	p.decide = newDecider(p.Program, &s.Options, l.Committed)
	if l.Topic == s.Canaries {
		p.decide.in.CountCanaries(l.Partition)
	}
	p.out = newOutgoing(s, l, &p.Pulse)
	p.log = lookback{source: s.Source, assignment: l, decide: &p.decide, pulse: &p.Pulse}
	p.origin = origin{Shared: s, Deciding: p.Deciding, assignment: l, back: &p.log, counted: l.GroupAt > l.Begin}
	s.dedupe.give(l.At(), &p.decide)
	return p
}

// Lag is how far the newest event that a rule took came after its time, by its Kafka timestamp.
func (p *Partition) Lag() time.Duration { return time.Duration(p.lag.Load()) }

// Run reads until ctx ends. What fails is tried again: a partition's function
// that returns ends the whole generation.
func (p *Partition) Run(ctx context.Context) {
	p.Begin()
	defer p.log.stream.Close()
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
	p.Alignment.Own(p.Assignment.Index, true)
	p.log.open(0)
}

// FinishTimeout bounds the last commit of an assignment, in all its shards. It is well under rebalanceTimeout: a
// member that answers later is taken for dead.
const FinishTimeout = 2500 * time.Millisecond

// End is what comes after the last turn: every shard commits what it has of the assignment.
func (p *Partition) End() {
	p.dedupe.keep(p.Assignment.At(), &p.decide)
	defer p.Alignment.Own(p.Assignment.Index, false)
	ctx, cancel := context.WithTimeout(context.Background(), FinishTimeout)
	defer cancel()
	p.out.end(ctx)
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
	case errors.Is(err, errChanging):
		return changingPause
	}
	pause = p.backoff.Next()
	if held, ok := p.throttleOf(err).Pass(); ok {
		p.Log.Log(ctx, standstill(pause), "partition stalled", "topic", p.Assignment.Topic, "partition", p.Assignment.Partition,
			"error", explainStandstill(err), "held_back", held)
	}
	return pause
}

var (
	errRestart  = errors.New("a shard went back to its fence")
	errChanging = errors.New("the rules change")
)

// changingPause is how soon a partition looks again whether all shards have changed to other rules. That takes each a commit.
const changingPause = 2 * time.Millisecond

// advance goes to the fences, from which it reads on until a shard asks to go back to them or something fails.
func (p *Partition) advance(ctx context.Context) (err error) {
	if !p.entered {
		err = p.resume(ctx)
		p.entered = err == nil
		return err
	}
	select {
	case <-p.Assignment.Restart:
		err = errRestart
	default:
		err = p.step(ctx)
	}
	p.entered = err == nil
	return err
}

// throttleOf is what holds back the lines that say that the partition stands still. What is wrong with servers is one line
// for all partitions. Where a log is damaged each partition says its own place.
func (p *Partition) throttleOf(err error) *retry.Throttle {
	if _, ok := errors.AsType[*records.Corrupt](err); ok {
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

// step takes one set.
func (p *Partition) step(ctx context.Context) error {
	p.Pulse.At(watchdog.StepFetch)
	set, err := p.log.stream.Next(ctx)
	if over, ok := errors.AsType[*passedOver](err); ok {
		return p.passOver(ctx, over.gone)
	}
	if gone, ok := errors.AsType[*fetch.OutOfRange](err); ok {
		return p.skip(ctx, gone)
	}
	if err != nil {
		return err
	}
	p.Pulse.At(watchdog.StepDecode)
	began, first := time.Now(), p.next
	for {
		more, err := set.Read(ctx, &p.record)
		if err != nil { // what was read before is to be counted, and others are not to wait for it
			return cmp.Or(p.flushEarly(ctx, began), err)
		}
		if !more {
			break
		}
		if err := p.take(ctx, &p.record); err != nil {
			return err
		}
		if p.out.full || p.letters.full() {
			if err := p.flushEarly(ctx, began); err != nil {
				return err
			}
		}
	}
	next, end := set.Span()
	p.next = max(p.next, next)
	p.hearing.listen(began, p.next > first, p.next >= end)
	if err := p.flush(ctx, began); err != nil {
		return err
	}
	if p.next > first || p.next >= end {
		p.Pulse.Beat()
	}
	return nil
}

// take decides what a record is, and puts its operations into the shards' chunks.
func (p *Partition) take(ctx context.Context, r *records.Record) error {
	p.Pulse.Offset.Store(r.Offset)
	if f := r.Fault; f != nil && f.Kind == records.Surplus {
		p.report(r)
		return nil
	}
	v, refused := p.decide.verdict(r)
	in := p.decide.in
	if v == engine.Accepted {
		if err := p.hold(ctx, in.Event.Time); err != nil {
			return err
		}
	}
	p.next = r.Next()
	var ops []engine.Operation
	switch {
	case v == engine.Accepted:
		ops, v = in.Operations()
		p.lag.Store(in.Lag)
	case v == engine.Duplicate && in.IsCanary():
		v = engine.Canary
	}
	if p.report(r) {
		p.Metrics.Event(v)
		if v == engine.Unmatched {
			p.tellUnmatched(r)
		}
	}
	if refused != nil {
		p.letters.add(p.Assignment, r, refused)
	}
	for i := range ops {
		if err := p.out.add(ctx, &ops[i], r.Offset, p.decide.clock, in.Newest); err != nil {
			return err
		}
	}
	return nil
}

// report tells the metrics and the log of the records that were passed over with this one. It reports whether the metrics
// are to count the record itself. A record that is read again after a rewind was counted then.
func (p *Partition) report(r *records.Record) bool {
	if !p.decide.first(r) {
		return false
	}
	if f := r.Fault; f != nil && f.PassedOver > 0 {
		p.Metrics.PassedOver(f.PassedOver)
		if held, ok := p.surplus.Pass(); ok {
			p.Log.Warn("records passed over: they do not fit their batch", "topic", p.Assignment.Topic, "partition", p.Assignment.Partition,
				"offset", r.Offset, "records", f.PassedOver, "error", f, "held_back", held)
		}
	}
	return true
}
