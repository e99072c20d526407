package shard

import (
	"context"
	"fmt"

	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watchdog"
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

// full reports whether the outbox may be at its limit, by what this process wrote and how far it was published when last looked at.
func (h *head) full(most, published uint64) bool {
	return h.read && h.next-min(h.next, published) >= most
}

// readHead reads the outbox's head. Where it alone is gone, the next entry is the
// first absent one after those published.
func (w *committer) readHead(ctx context.Context) error {
	var stored []byte
	next := uint64(0)
	defer w.pulse.At(w.pulse.At(watchdog.StepLoad))
	err := w.Retrier.Retry(ctx, metrics.OperationLoad, w.number, func() (err error) {
		stored, next, err = w.loadHead(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if next > 0 {
		w.recordGone(w.number, "the outbox's head")
	}
	w.head = head{read: true, next: next}
	return w.takeHead(stored)
}

// loadHead is the head as stored. Where it is absent, it is the first number, from those published
// on, that has no entry. Each read takes the head along: another process may write the first one
// meanwhile.
func (w *committer) loadHead(ctx context.Context) (stored []byte, next uint64, err error) {
	key := w.Keys.AppendHeadKey(nil, w.number)
	values, err := w.Store.Load(ctx, w.number, [][]byte{key, w.Keys.AppendPublishedKey(nil, w.number)}, nil)
	if err != nil {
		return nil, 0, err
	}
	if values[0] != nil {
		return values[0], 0, nil
	}
	for next = outbox.ParsePublished(values[1]); ; next++ {
		values, err = w.Store.Load(ctx, w.number, [][]byte{key, w.Keys.AppendOutboxKey(nil, w.number, next)}, nil)
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
func (w *committer) takeHead(value []byte) error {
	if value == nil {
		return nil
	}
	if version, _ := outbox.ParseHead(value); version == nil {
		return fmt.Errorf("load shard %d, the outbox's head: %w", w.number, ErrDamaged)
	}
	w.head.written(value)
	return nil
}
