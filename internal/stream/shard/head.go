package shard

import (
	"context"
	"fmt"

	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watchdog"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// head is the outbox's head: the number of the next entry.
type head struct {
	read    bool
	version []byte // nil: there is no record
	next    uint64
}

// written takes the head as a commit wrote it.
func (h *head) written(value []byte) {
	version, next := outbox.ParseHead(value)
	h.version, h.next = append(h.version[:0], version...), next
}

// box is an outbox as a shard writes it.
type box struct {
	head
	keys      windowstore.Keys
	published uint64 // how far it was published, as last looked at
}

// The outboxes of a shard. Those of shadow rules have one of their own: where their topic is not as it should be, no other crossing waits.
const (
	liveBox = iota
	shadowBox
	boxes
	noBox = boxes // of a crossing that only the metrics tell of
)

// newBoxes are the outboxes of a store, of which nothing is known yet.
func newBoxes(k windowstore.Keys) [boxes]box {
	return [boxes]box{liveBox: {keys: k}, shadowBox: {keys: k.Shadow()}}
}

// full reports whether it may be at its limit, by what this process wrote and how far it was published when last looked at.
func (b *box) full(most uint64) bool {
	return b.read && b.next-min(b.next, b.published) >= most
}

// readHead reads the head of an outbox. Where it alone is gone, the next entry is the
// first absent one after those published.
func (w *committer) readHead(ctx context.Context, b *box) error {
	var stored []byte
	next := uint64(0)
	defer w.pulse.At(w.pulse.At(watchdog.StepLoad))
	err := w.Retrier.Retry(ctx, metrics.OperationLoad, w.number, func() (err error) {
		stored, next, err = w.loadHead(ctx, b.keys)
		return err
	})
	if err != nil {
		return err
	}
	if next > 0 {
		w.recordGone(w.number, "the outbox's head")
	}
	b.head = head{read: true, next: next}
	return w.takeHead(b, stored)
}

// loadHead is the head as stored. Where it is absent, it is the first number, from those published
// on, that has no entry. Each read takes the head along: another process may write the first one
// meanwhile.
func (w *committer) loadHead(ctx context.Context, k windowstore.Keys) (stored []byte, next uint64, err error) {
	key := k.AppendHeadKey(nil, w.number)
	values, err := w.Store.Load(ctx, w.number, [][]byte{key, k.AppendPublishedKey(nil, w.number)}, nil)
	if err != nil {
		return nil, 0, err
	}
	if values[0] != nil {
		return values[0], 0, nil
	}
	for next = outbox.ParsePublished(values[1]); ; next++ {
		values, err = w.Store.Load(ctx, w.number, [][]byte{key, k.AppendOutboxKey(nil, w.number, next)}, nil)
		if err != nil {
			return nil, 0, err
		}
		if values[0] != nil {
			return values[0], 0, nil
		}
		if values[1] == nil {
			return nil, next, nil
		}
	}
}

// takeHead takes the head as stored. If it is absent, readHead looks into that.
func (w *committer) takeHead(b *box, value []byte) error {
	if value == nil {
		return nil
	}
	if version, _ := outbox.ParseHead(value); version == nil {
		return fmt.Errorf("load shard %d, the outbox's head: %w", w.number, ErrDamaged)
	}
	b.written(value)
	return nil
}
