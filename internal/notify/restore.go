package notify

import (
	"context"
	"errors"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
)

// restore gives the keeper what was taken before, and what it goes on telling: the log is read again from so long ago up to
// where the sink stands. It tries until that is done; false: ctx ended first.
func (f *feed) restore(ctx context.Context, n *note) bool {
	pause := retry.Backoff{First: 100 * time.Millisecond, Most: 5 * time.Second, Jitter: f.jitter}
	for ctx.Err() == nil {
		err := f.tryRestore(ctx, n)
		if err == nil {
			return true
		}
		f.keeper.Forget(f.p.ID)
		if held, ok := f.quiet.unread.Pass(); ok && ctx.Err() == nil {
			f.log.Warn("crossings not read: trying again", "partition", f.p.ID, "error", explain.Kafka(err), "held_back", held)
		}
		pause.Wait(ctx)
	}
	return false
}

func (f *feed) tryRestore(ctx context.Context, n *note) error {
	at, err := f.restoreFrom(ctx, n)
	if err != nil {
		return err
	}
	end := f.p.From
	for offset := range n.done {
		end = max(end, offset+1)
	}
	if at >= end {
		return nil
	}
	reader := f.p.Source.Open(f.p.Topic, f.p.ID, at)
	defer reader.Close()
	for at < end {
		set, err := reader.Next(ctx)
		if gone, is := errors.AsType[*fetch.OutOfRange](err); is {
			if at > gone.End {
				return nil // another topic of the name
			}
			at = gone.Start
			reader.SeekTo(at)
			continue
		}
		if err != nil {
			return err
		}
		next, err := f.restoreSet(ctx, n, set, end)
		if err != nil {
			return err
		}
		if _, logEnd := set.Span(); next == at && at >= logEnd {
			return nil // another topic of the name
		}
		at = next
	}
	return nil
}

// restoreFrom is where what may still have to be told begins: not before the sink itself.
func (f *feed) restoreFrom(ctx context.Context, n *note) (int64, error) {
	at, err := f.p.Source.OffsetAt(ctx, f.p.Topic, f.p.ID, f.now().Add(-f.keeper.Lookback()).UnixMilli())
	if err != nil {
		return 0, err
	}
	if len(n.marks) > 0 && f.now().Sub(n.marks[len(n.marks)-1].at) < marksKept {
		at = min(at, n.marks[0].offset) // what came late was sent late
	}
	return max(at, n.began, 0), nil
}

// restoreSet gives the keeper what a set holds, and returns the offset after it.
func (f *feed) restoreSet(ctx context.Context, n *note, set fetch.RecordSet, end int64) (int64, error) {
	var r records.Record
	for {
		more, err := set.Read(ctx, &r)
		if err != nil {
			return 0, err
		}
		if !more {
			next, _ := set.Span()
			return next, nil
		}
		if r.Offset >= end {
			return end, nil
		}
		if r.Offset >= f.p.From && !n.done[r.Offset] {
			continue
		}
		if c := f.parse(&r); c != nil {
			sent := n.sentBy(r.Offset)
			if r.Offset >= f.p.From {
				sent = f.now()
			}
			f.keeper.Restore(c, sent)
		}
	}
}
