package partition

import (
	"context"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watchdog"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// outgoing is what is gathered of a partition for its shards, and how far each shard was told.
type outgoing struct {
	assignment *shard.Assignment
	shards     []chan shard.Message
	most       int            // operations of a chunk at which it is sent
	current    []*shard.Chunk // by shard; nil: none being filled
	sent       []int64        // by shard: offset of the last position sent
	marked     time.Time      // when all shards were last told
	gap        shard.Hole     // the last one met
	full       bool           // a chunk is at its bound: it is to be sent before more is read
	pulse      *watchdog.Pulse
}

func newOutgoing(s *Shared, l *shard.Assignment, pulse *watchdog.Pulse) outgoing {
	return outgoing{
		assignment: l, shards: s.Shards, most: s.chunkOps, pulse: pulse,
		current: make([]*shard.Chunk, len(s.Shards)), sent: make([]int64, len(s.Shards)),
	}
}

// rewind drops what was gathered: it is read again, from an offset on.
func (g *outgoing) rewind(offset int64) {
	g.full = false
	for i := range g.sent {
		g.sent[i] = offset
		if c := g.current[i]; c != nil {
			g.current[i] = nil
			g.assignment.Pool.Put(c)
		}
	}
}

// add puts an operation of the record at an offset into the chunk of its shard. Its clocks are the partition's there.
func (g *outgoing) add(ctx context.Context, o *engine.Operation, offset, clock, newest int64) error {
	c, err := g.chunkFor(ctx, windowstore.ShardOf(o.Kind.String(), o.ID, len(g.shards)))
	if err != nil {
		return err
	}
	c.Add(o, g.assignment.Index, offset, clock, newest)
	g.full = g.full || c.Full(g.most)
	return nil
}

// chunkFor is the chunk being filled for a shard. It waits for the shards if all
// chunks are under way.
func (g *outgoing) chunkFor(ctx context.Context, shard int) (*shard.Chunk, error) {
	if c := g.current[shard]; c != nil {
		return c, nil
	}
	before := g.pulse.At(watchdog.StepWaitForShard)
	c, err := g.assignment.Pool.Get(ctx)
	g.pulse.At(before)
	if err != nil {
		return nil, err
	}
	c.Reset(g.sent[shard])
	c.Hole = g.gap
	g.current[shard] = c
	return c, nil
}

// markEvery is how often a shard without operations gets how far the partition is.
const markEvery = 200 * time.Millisecond

// due reports whether all shards are to be told how far the partition is. They are then.
func (g *outgoing) due(now time.Time) bool {
	if now.Sub(g.marked) <= markEvery {
		return false
	}
	g.marked = now
	return true
}

// flush sends the chunks with the position after them; to all shards, or to those that have one.
func (g *outgoing) flush(ctx context.Context, to position.Position, all bool) error {
	g.full = false
	for i := range g.shards {
		if !all && g.current[i] == nil {
			continue
		}
		c, err := g.chunkFor(ctx, i)
		if err != nil {
			return err
		}
		c.To = to
		if !g.send(ctx, i, shard.Message{Kind: shard.TakeChunk, Assignment: g.assignment, Chunk: c}) {
			return ctx.Err()
		}
		g.current[i], g.sent[i] = nil, to.Offset
	}
	return nil
}

// begin sends a shard where it is to begin with the partition, whose chunks are made by a program.
func (g *outgoing) begin(ctx context.Context, number int, by *engine.Program, fence []byte, m position.Position) bool {
	return g.send(ctx, number, shard.Message{Kind: shard.BeginAssignment, Assignment: g.assignment, Program: by, Fence: fence, Position: m})
}

// end gives the assignment up: it waits until every shard has committed what it has of it.
func (g *outgoing) end(ctx context.Context) {
	done := make(chan struct{}, len(g.shards))
	for i := range g.shards {
		if !g.send(ctx, i, shard.Message{Kind: shard.EndAssignment, Assignment: g.assignment, Done: done}) {
			return
		}
	}
	for range g.shards {
		select {
		case <-done:
		case <-ctx.Done():
			return
		}
	}
}

// send reports whether a shard took a message before ctx ended.
func (g *outgoing) send(ctx context.Context, number int, m shard.Message) bool {
	defer g.pulse.At(g.pulse.At(watchdog.StepWaitForShard))
	select {
	case g.shards[number] <- m:
		return true
	case <-ctx.Done():
		return false
	}
}
