package partition

import (
	"context"
	"fmt"
	"sync"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
)

// holes are those that a process has reported, by partition. It meets one again after a rewind, or when it is
// given the partition again, as long as what follows it is not stored.
type holes struct {
	mu sync.Mutex
	to map[int]int64 // offset after the last one, by the partition's index
}

// unreported is how many of the records [from, to) were not reported yet. Now they are.
func (h *holes) unreported(partition int, from, to int64) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	reported := h.to[partition]
	if h.to == nil {
		h.to = map[int]int64{}
	}
	h.to[partition] = max(reported, to)
	return max(0, to-max(from, reported))
}

// skip goes on after records that the log no longer holds. Shards that had not counted
// them say since when their counts are whole.
func (p *Partition) skip(ctx context.Context, gone *fetch.OutOfRange) error {
	if gone.Offset > gone.End {
		return fmt.Errorf("read on: %w: %w", gone, errShortLog)
	}
	records, err := p.leap(ctx, gone)
	if records > 0 {
		p.Log.Error("hole in the log: records were deleted before they were read",
			"topic", p.Assignment.Topic, "partition", p.Assignment.Partition, "from", gone.Offset, "to", gone.Start, "records", records)
	}
	return err
}

// passOver goes on after records that cannot be read, since an operator said so.
func (p *Partition) passOver(ctx context.Context, gone *fetch.OutOfRange) error {
	records, err := p.leap(ctx, gone)
	if records > 0 {
		p.Log.Warn("hole in the log: passed over, as -skip said",
			"topic", p.Assignment.Topic, "partition", p.Assignment.Partition, "from", gone.Offset, "to", gone.Start, "records", records)
	}
	return err
}

// leap goes on after a hole, and returns how many of its records were not reported yet.
func (p *Partition) leap(ctx context.Context, gone *fetch.OutOfRange) (unreported int64, err error) {
	since, err := p.log.wholeFrom(ctx, gone.Start, p.decide.clock)
	if err != nil {
		return 0, err
	}
	if unreported = p.holes.unreported(p.Assignment.Index, gone.Offset, gone.Start); unreported > 0 {
		p.Metrics.Hole(unreported)
	}
	p.out.gap = shard.Hole{To: gone.Start, Since: position.LaterSince(p.out.gap.Since, since)}
	p.next = gone.Start
	p.log.stream.SeekTo(gone.Start)
	return unreported, nil
}
