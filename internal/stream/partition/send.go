package partition

import (
	"context"
	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watchdog"
	"time"
)

// chunkFor is the run being filled for a shard. It waits for the shards if all
// runs are under way.
func (p *Partition) chunkFor(ctx context.Context, shard int) (*shard.Chunk, error) {
	if r := p.current[shard]; r != nil {
		return r, nil
	}
	before := p.Pulse.At(watchdog.StepSend)
	r, err := p.Assignment.Pool.Get(ctx)
	p.Pulse.At(before)
	if err != nil {
		return nil, err
	}
	r.Reset(p.Sent[shard])
	r.Hole = p.Gap
	p.current[shard] = r
	return r, nil
}

func (p *Partition) release(shard int) {
	if r := p.current[shard]; r != nil {
		p.current[shard] = nil
		p.Assignment.Pool.Put(r)
	}
}

// Flush sends the runs with their marks, dead letters first: a mark says that
// everything before it is done. Shards without operations get a mark now and then.
func (p *Partition) Flush(ctx context.Context, now time.Time) error {
	p.full = false
	if err := p.flushDeadLetters(ctx); err != nil {
		return err
	}
	to := position.Position{
		Offset: p.Next, Clock: p.Clock, Newest: p.In.Newest, Seen: p.Seen, Pack: p.Program.Hash,
		Idle: p.idle, Ended: p.ended, Held: p.held,
	}
	all := now.Sub(p.Marked) > markEvery
	if all {
		p.Marked = now
		p.Metrics.Remembered(p.Assignment.At(), p.In.IDs.Size(), p.In.IDs.Shortened-p.shortened)
		p.shortened = p.In.IDs.Shortened
		p.Metrics.Reached(p.Assignment.At(), p.In.Newest)
	}
	for i := range p.Shards {
		if !all && p.current[i] == nil {
			continue
		}
		r, err := p.chunkFor(ctx, i)
		if err != nil {
			return err
		}
		r.To = to
		if !p.send(ctx, i, shard.Message{Kind: shard.TakeChunk, Assignment: p.Assignment, Chunk: r}) {
			return ctx.Err()
		}
		p.current[i], p.Sent[i] = nil, to.Offset
	}
	p.Alignment.Set(p.Assignment.Index, p.Seen, p.ended)
	return nil
}

// flushEarly sends what was gathered of a set while there is more of it: the memory that it takes is bounded,
// whatever the set holds.
func (p *Partition) flushEarly(ctx context.Context, now time.Time) error {
	p.heard, p.idle, p.ended = now, false, false
	return p.Flush(ctx, now)
}

// lettersAtOnce is the most that the dead letters of a partition take before they are sent, in bytes.
const lettersAtOnce = 1 << 20

// markEvery is how often a shard without operations is told how far the
// partition is.
const markEvery = 200 * time.Millisecond

func (p *Partition) send(ctx context.Context, shard int, m shard.Message) bool {
	defer p.Pulse.At(p.Pulse.At(watchdog.StepSend))
	select {
	case p.Shards[shard] <- m:
		return true
	case <-ctx.Done():
		return false
	}
}

// flushDeadLetters sends the dead letters found and waits until Kafka has them.
func (p *Partition) flushDeadLetters(ctx context.Context) error {
	if len(p.pendingLetters) == 0 {
		return nil
	}
	defer p.Pulse.At(p.Pulse.At(watchdog.StepBury))
	if err := p.Dead.Write(ctx, p.pendingLetters); err != nil {
		return err
	}
	for i := range p.pendingLetters {
		p.Metrics.DeadLetter(p.pendingLetters[i].Reason)
	}
	p.LettersSafeTo = p.pendingLetters[len(p.pendingLetters)-1].Offset + 1
	clear(p.pendingLetters) // they own their bytes
	p.pendingLetters, p.pendingBytes = p.pendingLetters[:0], 0
	return nil
}

// finish gives the assignment up: every shard commits what it has of it.
func (p *Partition) finish() {
	defer p.Alignment.Local[p.Assignment.Index].Store(false)
	ctx, cancel := context.WithTimeout(context.Background(), FinishTimeout)
	defer cancel()
	done := make(chan struct{}, len(p.Shards))
	for i := range p.Shards {
		if !p.send(ctx, i, shard.Message{Kind: shard.EndAssignment, Assignment: p.Assignment, Done: done}) {
			return
		}
	}
	for range p.Shards {
		select {
		case <-done:
		case <-ctx.Done():
			return
		}
	}
}

// hold waits before an event of a time until the other partitions have come near
// to it, so that their events will not be late. What was read before is sent first.
func (p *Partition) hold(ctx context.Context, to int64) error {
	if to <= p.Bound {
		return nil
	}
	if p.ask(to); to <= p.Bound {
		return nil
	}
	p.held, p.ended, p.idle, p.Marked = true, false, false, time.Time{}
	err := p.Flush(ctx, time.Now())
	p.held = false
	if err != nil {
		return err
	}
	before := p.Pulse.At(watchdog.StepRest)
	p.Alignment.Wait(ctx, p.Assignment.Index, to, func() bool { return len(p.Assignment.Restart) > 0 })
	p.Pulse.At(before)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case len(p.Assignment.Restart) > 0:
		<-p.Assignment.Restart
		return errRestart
	}
	p.ask(to)
	return nil
}

// ask asks the alignment how far the partition may read. Where nobody holds it back
// now, somebody may later: it asks again when it has gone as far as it may be ahead.
func (p *Partition) ask(to int64) {
	p.Bound = p.Alignment.Bound(p.Assignment.Index)
	if p.Bound == engine.Never && p.Alignment.Ahead > 0 {
		p.Bound = to + min(p.Alignment.Ahead, engine.Never-max(to, 0))
	}
}

// FinishTimeout bounds the last commit of an assignment, in all its shards. It is well under rebalanceTimeout: a
// member that answers later is taken for dead.
const FinishTimeout = 2500 * time.Millisecond
