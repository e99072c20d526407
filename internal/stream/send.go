package stream

import (
	"context"
	"time"
)

// chunkFor is the run being filled for a shard. It waits for the shards if all
// runs are under way.
func (p *partition) chunkFor(ctx context.Context, shard int) (*chunk, error) {
	if r := p.current[shard]; r != nil {
		return r, nil
	}
	before := p.pulse.at(stepSend)
	r, err := p.assignment.pool.get(ctx)
	p.pulse.at(before)
	if err != nil {
		return nil, err
	}
	r.reset(p.sent[shard])
	r.hole = p.gap
	p.current[shard] = r
	return r, nil
}

func (p *partition) release(shard int) {
	if r := p.current[shard]; r != nil {
		p.current[shard] = nil
		p.assignment.pool.put(r)
	}
}

// flush sends the runs with their marks, dead letters first: a mark says that
// everything before it is done. Shards without operations get a mark now and then.
func (p *partition) flush(ctx context.Context, now time.Time) error {
	p.full = false
	if err := p.flushDeadLetters(ctx); err != nil {
		return err
	}
	to := position{
		offset: p.next, clock: p.clock, newest: p.in.newest, seen: p.seen, pack: p.program.hash,
		idle: p.idle, ended: p.ended, held: p.held,
	}
	all := now.Sub(p.marked) > markEvery
	if all {
		p.marked = now
		p.metrics.remembered(p.assignment.at(), p.in.ids.size(), p.in.ids.shortened-p.shortened)
		p.shortened = p.in.ids.shortened
		p.metrics.reached(p.assignment.at(), p.in.newest)
	}
	for i := range p.shards {
		if !all && p.current[i] == nil {
			continue
		}
		r, err := p.chunkFor(ctx, i)
		if err != nil {
			return err
		}
		r.to = to
		if !p.send(ctx, i, message{kind: takeChunk, assignment: p.assignment, chunk: r}) {
			return ctx.Err()
		}
		p.current[i], p.sent[i] = nil, to.offset
	}
	p.alignment.set(p.assignment.index, p.seen, p.ended)
	return nil
}

// flushEarly sends what was gathered of a set while there is more of it: the memory that it takes is bounded,
// whatever the set holds.
func (p *partition) flushEarly(ctx context.Context, now time.Time) error {
	p.heard, p.idle, p.ended = now, false, false
	return p.flush(ctx, now)
}

// lettersAtOnce is the most that the dead letters of a partition take before they are sent, in bytes.
const lettersAtOnce = 1 << 20

// markEvery is how often a shard without operations is told how far the
// partition is.
const markEvery = 200 * time.Millisecond

func (p *partition) send(ctx context.Context, shard int, m message) bool {
	defer p.pulse.at(p.pulse.at(stepSend))
	select {
	case p.shards[shard] <- m:
		return true
	case <-ctx.Done():
		return false
	}
}

// flushDeadLetters sends the dead letters found and waits until Kafka has them.
func (p *partition) flushDeadLetters(ctx context.Context) error {
	if len(p.pendingLetters) == 0 {
		return nil
	}
	defer p.pulse.at(p.pulse.at(stepBury))
	if err := p.dead.write(ctx, p.pendingLetters); err != nil {
		return err
	}
	for i := range p.pendingLetters {
		p.metrics.deadLetter(p.pendingLetters[i].reason)
	}
	p.lettersSafeTo = p.pendingLetters[len(p.pendingLetters)-1].offset + 1
	clear(p.pendingLetters) // they own their bytes
	p.pendingLetters, p.pendingBytes = p.pendingLetters[:0], 0
	return nil
}

// finish gives the assignment up: every shard commits what it has of it.
func (p *partition) finish() {
	defer p.alignment.local[p.assignment.index].Store(false)
	ctx, cancel := context.WithTimeout(context.Background(), finishTimeout)
	defer cancel()
	done := make(chan struct{}, len(p.shards))
	for i := range p.shards {
		if !p.send(ctx, i, message{kind: endAssignment, assignment: p.assignment, done: done}) {
			return
		}
	}
	for range p.shards {
		select {
		case <-done:
		case <-ctx.Done():
			return
		}
	}
}

// hold waits before an event of a time until the other partitions have come near
// to it, so that their events will not be late. What was read before is sent first.
func (p *partition) hold(ctx context.Context, to int64) error {
	if to <= p.bound {
		return nil
	}
	if p.ask(to); to <= p.bound {
		return nil
	}
	p.held, p.ended, p.idle, p.marked = true, false, false, time.Time{}
	err := p.flush(ctx, time.Now())
	p.held = false
	if err != nil {
		return err
	}
	before := p.pulse.at(stepRest)
	p.alignment.wait(ctx, p.assignment.index, to, func() bool { return len(p.assignment.restart) > 0 })
	p.pulse.at(before)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case len(p.assignment.restart) > 0:
		<-p.assignment.restart
		return errRestart
	}
	p.ask(to)
	return nil
}

// ask asks the alignment how far the partition may read. Where nobody holds it back
// now, somebody may later: it asks again when it has gone as far as it may be ahead.
func (p *partition) ask(to int64) {
	p.bound = p.alignment.bound(p.assignment.index)
	if p.bound == never && p.alignment.ahead > 0 {
		p.bound = to + min(p.alignment.ahead, never-max(to, 0))
	}
}
