package partition

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watchdog"
)

// resume goes back to the fences.
func (p *Partition) resume(ctx context.Context) error {
	p.Pulse.At(watchdog.StepReadFences)
	if err := p.renew(); err != nil {
		return err
	}
	at, err := p.restore(ctx)
	if err != nil {
		return err
	}
	p.origin.lossLogged = false
	p.Pulse.At(watchdog.StepRebuildIDs)
	if err := p.log.rebuildDedupe(ctx, at); err != nil {
		return err
	}
	p.log.stream.SeekTo(at.Offset)
	p.rewind(at)
	p.hearing.busy(time.Now())
	p.letters.drop()
	return nil
}

// renew has the partition decide by the rules of now, from its fences on. Until all shards have changed to them that waits. What
// shards have asked for by then is what it is about to do.
func (p *Partition) renew() error {
	if p.changing.Load() {
		return errChanging
	}
	select {
	case <-p.Assignment.Restart:
	default:
	}
	p.Deciding = *p.deciding.Load()
	p.origin.Deciding = p.Deciding
	p.decide.in.MatchBy(p.Program)
	return nil
}

// rewind is what the partition is at a position, from which it reads on.
func (p *Partition) rewind(at position.Position) {
	p.next = at.Offset
	p.decide.rewind(at)
	p.lag.Store(p.decide.in.Lag)
	p.pace.rewind(at.Seen)
	p.out.rewind(at.Offset)
}

// restore finds the fences of the partition, sends every shard where to stand, and returns the
// place to read from: the lowest fence.
func (p *Partition) restore(ctx context.Context) (position.Position, error) {
	fences, err := p.origin.find(ctx)
	if err != nil {
		return position.Position{}, err
	}
	low := position.Position{Offset: -1}
	for i, b := range fences {
		m, err := position.ParseFence(b)
		if err != nil {
			return position.Position{}, fmt.Errorf("read fence of shard %d, %s/%d: %w", i, p.Assignment.Topic, p.Assignment.Partition, err)
		}
		if low.Offset < 0 || m.Offset < low.Offset {
			low = m
		}
		p.origin.counted = true // whatever happens to the store now
		if !p.out.begin(ctx, i, p.Program, b, m) {
			return position.Position{}, ctx.Err()
		}
	}
	return low, nil
}
