package subscribe

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
)

// Partition is one that the group has given to this process.
type Partition struct {
	Topic  string
	ID     int
	From   int64  // where it goes on: everything before was done
	Note   string // what was committed beside it
	Source fetch.Source

	end atomic.Int64 // of its log; 0: not known

	mu   sync.Mutex
	tell func() (offset int64, note string)
}

// progress is what is committed of a partition.
type progress struct {
	offset int64
	note   string
}

// Tell says by what its progress is asked for: the offset before which everything is done, and a note of at most MostNote bytes.
func (p *Partition) Tell(f func() (offset int64, note string)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tell = f
}

// End is the end of its log, as last seen; 0: it is not known.
func (p *Partition) End() int64 { return p.end.Load() }

// Progress is how far its user is; false: the user has not begun.
func (p *Partition) Progress() (offset int64, note string, begun bool) {
	p.mu.Lock()
	tell := p.tell
	p.mu.Unlock()
	if tell == nil {
		return 0, "", false
	}
	offset, note = tell()
	return offset, note, true
}

// open finds where partitions go on, trying until it is known; none if ctx ends first.
func (s *Subscription) open(ctx context.Context, ids []int) (list []*Partition) {
	if len(ids) == 0 {
		return nil
	}
	pause := retry.Backoff{First: 100 * time.Millisecond, Most: 2 * time.Second, Jitter: retry.Random}
	for ctx.Err() == nil {
		list, err := s.tryOpen(ctx, ids)
		if err == nil {
			return list
		}
		s.failed("reading the offsets of the group", err)
		pause.Wait(ctx)
	}
	return nil
}

// tryOpen is open once. A partition without an offset is one that the topic got since the group began: it is read from its start.
func (s *Subscription) tryOpen(ctx context.Context, ids []int) ([]*Partition, error) {
	committed, err := s.kafka.Offsets.Committed(ctx, ids)
	if err != nil {
		return nil, err
	}
	var list []*Partition
	for _, c := range committed {
		if c.At < 0 {
			if c.At, _, err = s.kafka.Source.Offsets(ctx, s.kafka.Topic, c.Partition); err != nil {
				return nil, err
			}
		}
		list = append(list, &Partition{Topic: s.kafka.Topic, ID: c.Partition, From: c.At, Note: c.Note, Source: s.kafka.Source})
	}
	return list, nil
}
