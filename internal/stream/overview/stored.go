package overview

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
)

// stored is what the fences of a partition say.
type stored struct {
	known    bool              // every shard has one
	offset   int64             // up to which all shards have counted
	furthest position.Position // the one that is furthest in the log: the others are moved when something is counted, or after two seconds
}

// fences reads the fences of all shards.
func (r *Reader) fences(ctx context.Context, partitions []position.TopicPartition, into []stored) error {
	for i := range into {
		into[i] = stored{known: true, offset: -1, furthest: position.Position{Offset: -1, Newest: engine.NoTime}}
	}
	for shard := range r.Shards {
		values, err := r.Store.Load(ctx, shard, position.AppendFenceKeys(nil, r.Store.Keys(), shard, partitions), nil)
		if err != nil {
			return fmt.Errorf("read fences of shard %d: %w", shard, err)
		}
		for i, b := range values {
			into[i].add(b)
		}
	}
	return nil
}

// add takes the fence of a shard in.
func (s *stored) add(fence []byte) {
	p, err := position.ParseFence(fence)
	if err != nil {
		s.known = false
		return
	}
	if s.offset < 0 || p.Offset < s.offset {
		s.offset = p.Offset
	}
	if p.Offset > s.furthest.Offset {
		s.furthest = p
	}
}

// outbox reads what waits in the outboxes of all shards.
func (r *Reader) outbox(ctx context.Context) (o Outbox, err error) {
	o.Oldest = engine.NoTime
	k := r.Store.Keys()
	for shard := range r.Shards {
		values, err := r.Store.Load(ctx, shard, [][]byte{k.AppendHeadKey(nil, shard), k.AppendPublishedKey(nil, shard)}, nil)
		if err != nil {
			return o, fmt.Errorf("read outbox of shard %d: %w", shard, err)
		}
		waiting := outbox.Depth(values[0], values[1])
		if waiting == 0 {
			continue
		}
		o.Entries += waiting
		first := k.AppendOutboxKey(nil, shard, outbox.ParsePublished(values[1]))
		if values, err = r.Store.Load(ctx, shard, [][]byte{first}, nil); err != nil {
			return o, fmt.Errorf("read outbox of shard %d: %w", shard, err)
		}
		if b := values[0]; len(b) >= 8 { // otherwise it was published meanwhile
			at := int64(binary.BigEndian.Uint64(b))
			if o.Oldest == engine.NoTime || at < o.Oldest {
				o.Oldest = at
			}
		}
	}
	return o, nil
}
