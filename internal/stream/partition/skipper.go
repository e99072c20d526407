package partition

import (
	"context"
	"errors"
	"log/slog"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Skipper carries out -skip.
type Skipper struct {
	Source fetch.Source
	Store  windowstore.Store
	Shards int
	Log    *slog.Logger
}

// Skip notes what cannot be read at a place as passed over. Whoever reads the partition from now on leaves it out. What can be
// read is not noted.
func (k *Skipper) Skip(ctx context.Context, x Skip) error {
	noted, err := k.noted(ctx, x)
	if err != nil {
		return err
	}
	if s := noted.from(x.Offset); s.from <= x.Offset {
		k.Log.Info("passed over before: nothing to skip", "topic", x.Topic, "partition", x.Partition, "from", s.from, "to", s.to)
		return nil
	}
	to, err := k.readableFrom(ctx, x)
	var gone *fetch.OutOfRange
	if to == x.Offset || errors.As(err, &gone) {
		k.Log.Warn("not skipped: nothing at this offset is there that cannot be read", "topic", x.Topic, "partition", x.Partition, "offset", x.Offset)
		return nil
	}
	if err != nil {
		return err
	}
	for n := range k.Shards {
		if err := k.note(ctx, n, x, stretch{x.Offset, to}); err != nil {
			return err
		}
	}
	k.Log.Warn("passed over what cannot be read, as -skip says", "topic", x.Topic, "partition", x.Partition, "from", x.Offset, "to", to)
	return nil
}

// noted returns the stretches of a partition that were passed over before.
func (k *Skipper) noted(ctx context.Context, x Skip) (all Stretches, err error) {
	for n := range k.Shards {
		values, err := k.Store.Load(ctx, n, [][]byte{k.Store.Keys().AppendSkippedKey(nil, n, x.Topic, x.Partition)}, nil)
		if err != nil {
			return nil, err
		}
		if all, err = all.With(values[0]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// note adds a stretch to those that a shard has.
func (k *Skipper) note(ctx context.Context, shard int, x Skip, add stretch) error {
	key := k.Store.Keys().AppendSkippedKey(nil, shard, x.Topic, x.Partition)
	for {
		values, err := k.Store.Load(ctx, shard, [][]byte{key}, nil)
		if err != nil {
			return err
		}
		all, err := Stretches(nil).With(values[0])
		if err != nil {
			return err
		}
		res, err := k.Store.Commit(ctx, shard, &windowstore.Commit{Fences: []windowstore.Fence{{Key: key, From: values[0], To: all.and(add).appendTo(nil)}}})
		if err != nil || res.Outcome == windowstore.Done {
			return err
		}
	}
}

// readableFrom is the offset after what cannot be read at that of x: the end of a damaged batch, or
// of what the broker does not give. It is the offset of x itself if that can be read. What is damaged after it is another
// place, and needs another -skip.
func (k *Skipper) readableFrom(ctx context.Context, x Skip) (int64, error) {
	first, err := k.look(ctx, x, x.Offset)
	if err != nil || first.state == whole {
		return x.Offset, err
	}
	_, end, err := k.Source.Offsets(ctx, x.Topic, x.Partition)
	if err != nil {
		return 0, err
	}
	end = max(end, x.Offset+1)
	if first.state == notGiven {
		return k.givenFrom(ctx, x, end)
	}
	if next := first.end; next > x.Offset+1 && next <= end {
		last, err := k.look(ctx, x, next-1)
		if err != nil {
			return 0, err
		}
		if last.state == damaged && last.end == next {
			return next, nil
		}
	}
	for at := x.Offset + 1; at < end; at++ { // its header is damaged too
		if found, err := k.look(ctx, x, at); err != nil || found.state != damaged {
			return at, err
		}
	}
	return end, nil
}

// givenFrom is the first offset after that of x at which the broker gives something. It is found by trying. How far a damaged
// length reaches only the broker knows, which looks on from the next place of its index.
func (k *Skipper) givenFrom(ctx context.Context, x Skip, end int64) (int64, error) {
	low, high := x.Offset, end // at low it gives nothing
	for step := int64(1); low+step < high; step *= 2 {
		found, err := k.look(ctx, x, low+step)
		if err != nil {
			return 0, err
		}
		if found.state != notGiven {
			high = low + step
			break
		}
		low += step
	}
	for high-low > 1 {
		middle := low + (high-low)/2
		found, err := k.look(ctx, x, middle)
		if err != nil {
			return 0, err
		}
		if found.state != notGiven {
			high = middle
		} else {
			low = middle
		}
	}
	return high, nil
}

// finding is what is at an offset of the log.
type finding struct {
	state condition
	end   int64 // of what is damaged: the offset after its batch, by its header; 0: not known
}

type condition uint8

const (
	whole    condition = iota
	damaged            // no batch, or not as it was written
	notGiven           // nothing, though the log goes on
)

// look finds out whether the log can be read at an offset.
func (k *Skipper) look(ctx context.Context, x Skip, offset int64) (finding, error) {
	stream := k.Source.Open(x.Topic, x.Partition, offset)
	defer stream.Close()
	var r records.Record
	for {
		set, err := stream.Next(ctx)
		if bad, ok := errors.AsType[*records.Corrupt](err); ok && bad.Offset <= offset {
			return finding{state: notGiven}, nil
		}
		more := false
		if err == nil {
			more, err = set.Read(ctx, &r)
		}
		if bad, ok := errors.AsType[*records.Corrupt](err); ok && bad.Offset <= offset {
			return finding{damaged, bad.End}, nil
		} else if ok {
			return finding{}, nil
		}
		if err != nil {
			return finding{}, err
		}
		if next, end := set.Span(); more || next > offset || next >= end {
			return finding{}, nil
		}
	}
}
