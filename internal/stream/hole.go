package stream

import (
	"context"
	"fmt"
	"sync"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
)

// holes are those that a process has told of, by partition. It meets one again after a rewind, or when it is
// given the partition again, as long as what is behind it is not stored.
type holes struct {
	mu sync.Mutex
	to map[int]int64 // offset behind the last one; by place among all partitions
}

func newHoles() *holes { return &holes{to: map[int]int64{}} }

// untold is how many of the records [from, to) were not told of yet. Now they are.
func (h *holes) untold(partition int, from, to int64) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	told := h.to[partition]
	h.to[partition] = max(told, to)
	return max(0, to-max(from, told))
}

// skip goes on behind records that the log no longer holds. Shards that had not counted
// them say since when their counts are whole.
func (p *partition) skip(ctx context.Context, gone *fetch.OutOfRange) error {
	if gone.Offset > gone.End {
		return fmt.Errorf("read on: %w: %w", gone, errShortLog)
	}
	records, err := p.leap(ctx, gone)
	if records > 0 {
		p.log.Error("hole in the log: records were deleted before they were read",
			"topic", p.assignment.topic, "partition", p.assignment.partition, "from", gone.Offset, "to", gone.Start, "records", records)
	}
	return err
}

// passOver goes on behind records that cannot be read, since an operator said so.
func (p *partition) passOver(ctx context.Context, gone *fetch.OutOfRange) error {
	records, err := p.leap(ctx, gone)
	if records > 0 {
		p.log.Warn("hole in the log: passed over, as -skip said",
			"topic", p.assignment.topic, "partition", p.assignment.partition, "from", gone.Offset, "to", gone.Start, "records", records)
	}
	return err
}

// leap goes on behind a hole, and returns how many of its records were not told of yet.
func (p *partition) leap(ctx context.Context, gone *fetch.OutOfRange) (untold int64, err error) {
	since, err := p.wholeFrom(ctx, gone.Start, p.clock)
	if err != nil {
		return 0, err
	}
	if untold = p.holes.untold(p.assignment.index, gone.Offset, gone.Start); untold > 0 {
		p.metrics.hole(untold)
	}
	p.gap = hole{to: gone.Start, since: laterSince(p.gap.since, since)}
	p.next = gone.Start
	p.stream.SeekTo(gone.Start)
	return untold, nil
}
