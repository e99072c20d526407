package partition

import (
	"context"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watchdog"
)

// flush sends the chunks with their positions, dead letters first: a position says that
// everything before it is done. Shards without operations get a position now and then.
func (p *Partition) flush(ctx context.Context, now time.Time) error {
	if err := p.flushDeadLetters(ctx); err != nil {
		return err
	}
	to := position.Position{Offset: p.next, Clock: p.decide.clock, Newest: p.decide.in.Newest, Seen: p.pace.seen, Pack: p.Program.Hash}
	p.hearing.tell(&to)
	all := p.out.due(now)
	if all {
		p.Metrics.Remembered(p.Assignment.At(), p.decide.in.IDs.Size(), p.decide.newlyShortened())
		p.Metrics.Reached(p.Assignment.At(), p.decide.in.Newest)
	}
	if err := p.out.flush(ctx, to, all); err != nil {
		return err
	}
	p.pace.tell(p.hearing.ended)
	return nil
}

// flushEarly sends what was gathered of a set while there is more of it: the memory that it takes is bounded,
// whatever the set holds.
func (p *Partition) flushEarly(ctx context.Context, now time.Time) error {
	p.hearing.busy(now)
	return p.flush(ctx, now)
}

// flushDeadLetters sends the dead letters found and waits until Kafka has them.
func (p *Partition) flushDeadLetters(ctx context.Context) error {
	if len(p.letters.pending) == 0 {
		return nil
	}
	defer p.Pulse.At(p.Pulse.At(watchdog.StepDeadLetters))
	return p.letters.write(ctx, p.Dead, func(d *deadLetter) {
		p.Metrics.DeadLetter(d.reason)
		p.uncounted.letter(p.Log, d)
	})
}

// hold waits before an event of a time until the other partitions have come near
// to it, so that their events will not be late. What was read before is sent first.
func (p *Partition) hold(ctx context.Context, to int64) error {
	if p.pace.look(to) {
		return nil
	}
	p.hearing.hold()
	p.out.marked = time.Time{}
	err := p.flush(ctx, time.Now())
	p.hearing.held = false
	if err != nil {
		return err
	}
	before := p.Pulse.At(watchdog.StepRest)
	p.pace.wait(ctx, to, func() bool { return len(p.Assignment.Restart) > 0 })
	p.Pulse.At(before)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case len(p.Assignment.Restart) > 0:
		<-p.Assignment.Restart
		return errRestart
	}
	p.pace.ask(to)
	return nil
}
