package stream

import (
	"context"
	"time"
)

// runFor is the run being filled for a shard. It waits for the shards if all
// runs are under way.
func (p *partition) runFor(ctx context.Context, shard int) (*run, error) {
	if r := p.current[shard]; r != nil {
		return r, nil
	}
	before := p.pulse.at(stepSend)
	r, err := p.lease.spares.get(ctx)
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
		p.lease.spares.put(r)
	}
}

// flush sends the runs with their marks, dead letters first: a mark says that
// everything before it is done. Shards without operations get a mark now and then.
func (p *partition) flush(ctx context.Context, now time.Time) error {
	p.full = false
	if err := p.bury(ctx); err != nil {
		return err
	}
	to := mark{
		offset: p.next, clock: p.clock, newest: p.in.newest, seen: p.seen, pack: p.program.hash,
		idle: p.idle, ended: p.ended, held: p.held,
	}
	all := now.Sub(p.marked) > markEvery
	if all {
		p.marked = now
		p.metrics.remembered(p.lease.at(), p.in.ids.size(), p.in.ids.shortened-p.shortened)
		p.shortened = p.in.ids.shortened
		p.metrics.reached(p.lease.at(), p.in.newest)
	}
	for i := range p.shards {
		if !all && p.current[i] == nil {
			continue
		}
		r, err := p.runFor(ctx, i)
		if err != nil {
			return err
		}
		r.to = to
		if !p.send(ctx, i, message{kind: takeRun, lease: p.lease, run: r}) {
			return ctx.Err()
		}
		p.current[i], p.sent[i] = nil, to.offset
	}
	p.tide.set(p.lease.index, p.seen, p.ended)
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

// bury sends the dead letters found and waits until Kafka has them.
func (p *partition) bury(ctx context.Context) error {
	if len(p.dying) == 0 {
		return nil
	}
	defer p.pulse.at(p.pulse.at(stepBury))
	if err := p.dead.write(ctx, p.dying); err != nil {
		return err
	}
	for i := range p.dying {
		p.metrics.deadLetter(p.dying[i].reason)
	}
	p.buried = p.dying[len(p.dying)-1].offset + 1
	clear(p.dying) // they own their bytes
	p.dying, p.weight = p.dying[:0], 0
	return nil
}

// finish gives the lease up: every shard commits what it has of it.
func (p *partition) finish() {
	defer p.tide.ours[p.lease.index].Store(false)
	ctx, cancel := context.WithTimeout(context.Background(), finishTimeout)
	defer cancel()
	done := make(chan struct{}, len(p.shards))
	for i := range p.shards {
		if !p.send(ctx, i, message{kind: endLease, lease: p.lease, done: done}) {
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
	p.tide.wait(ctx, p.lease.index, to, func() bool { return len(p.lease.restart) > 0 })
	p.pulse.at(before)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case len(p.lease.restart) > 0:
		<-p.lease.restart
		return errRestart
	}
	p.ask(to)
	return nil
}

// ask asks the tide how far the partition may read. Where nobody holds it back
// now, somebody may later: it asks again when it has gone as far as it may be ahead.
func (p *partition) ask(to int64) {
	p.bound = p.tide.bound(p.lease.index)
	if p.bound == never && p.tide.ahead > 0 {
		p.bound = to + min(p.tide.ahead, never-max(to, 0))
	}
}
