package outbox

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// Folding publishes to a topic of which it is asked only when something is to be published how many partitions it has. What is for one
// of more partitions goes to one of those that there are, always to the same.
type Folding struct {
	to         *KafkaPublisher
	partitions func(ctx context.Context, topic string) (int, error)
	known      atomic.Int64 // 0: not asked yet
}

// NewFolding is a publisher to the topic of another.
func NewFolding(p *KafkaPublisher, partitions func(ctx context.Context, topic string) (int, error)) *Folding {
	return &Folding{to: p, partitions: partitions}
}

// LoadRecent is Publisher's.
func (f *Folding) LoadRecent(ctx context.Context, partition int, since int64) error {
	p, err := f.fold(ctx, partition)
	if err != nil {
		return err
	}
	return f.to.LoadRecent(ctx, p, since)
}

// Write is Publisher's.
func (f *Folding) Write(ctx context.Context, notAfter time.Time, partition int, entries []Entry) error {
	p, err := f.fold(ctx, partition)
	if err != nil {
		return err
	}
	return f.to.Write(ctx, notAfter, p, entries)
}

// fold is the partition of the topic that stands for another. A topic that grows keeps its order: the number stays for as long as the
// process lives.
func (f *Folding) fold(ctx context.Context, partition int) (int, error) {
	if n := f.known.Load(); n > 0 {
		return partition % int(n), nil
	}
	n, err := f.partitions(ctx, f.to.Topic)
	if err == nil && n == 0 {
		err = fmt.Errorf("topic %s has no partitions", f.to.Topic)
	}
	if err != nil {
		return 0, err
	}
	f.known.Store(int64(n))
	return partition % n, nil
}
