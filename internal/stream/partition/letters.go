package partition

import (
	"context"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
)

// letters are the dead letters of a partition that Kafka does not have yet.
type letters struct {
	pending []deadLetter
	bytes   int   // of pending
	safeTo  int64 // offset up to which all are safe
}

// add makes a dead letter of a record, unless it is safe already.
func (l *letters) add(a *shard.Assignment, r *records.Record, reason error) {
	if r.Offset < l.safeTo {
		return
	}
	l.pending = append(l.pending, newDeadLetter(a, r, reason))
	l.bytes += l.pending[len(l.pending)-1].bytes()
}

// full reports whether they are to be written before more is read.
func (l *letters) full() bool { return l.bytes >= lettersAtOnce }

// write waits until Kafka has all of them.
func (l *letters) write(ctx context.Context, to deadLetters, written func(*deadLetter)) error {
	if err := to.Write(ctx, l.pending); err != nil {
		return err
	}
	for i := range l.pending {
		written(&l.pending[i])
	}
	l.safeTo = l.pending[len(l.pending)-1].offset + 1
	clear(l.pending) // they own their bytes
	l.drop()
	return nil
}

// drop forgets those that are pending: their records are read again.
func (l *letters) drop() { l.pending, l.bytes = l.pending[:0], 0 }
