package notify

import (
	"context"
	"errors"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/notify/crossing"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/subscribe"
)

// feed is a partition that is read for a sink.
type feed struct {
	*worker
	p      *subscribe.Partition
	window *window
	lanes  *lanes
}

// Read is subscribe.User's.
func (w *worker) Read(ctx context.Context, p *subscribe.Partition) {
	n := parseNote(p.Note, p.From)
	f := &feed{worker: w, p: p, window: newWindow(p.From, n, w.now)}
	f.lanes = &lanes{deliver: f.deliver, byKey: map[string]*lane{}}
	w.begin(f)
	defer w.end(f)
	if w.keeper != nil {
		defer w.keeper.Forget(p.ID)
		if !f.restore(ctx, &n) {
			return
		}
	}
	p.Tell(f.window.progress)
	f.follow(ctx)
	f.lanes.running.Wait()
}

// follow reads until ctx ends.
func (f *feed) follow(ctx context.Context) {
	reader := f.p.Source.Open(f.p.Topic, f.p.ID, f.p.From)
	defer reader.Close()
	pause := retry.Backoff{First: 100 * time.Millisecond, Most: 5 * time.Second, Jitter: f.jitter}
	for ctx.Err() == nil {
		set, err := reader.Next(ctx)
		if err == nil {
			err = f.take(ctx, set)
		}
		switch gone, is := errors.AsType[*fetch.OutOfRange](err); {
		case ctx.Err() != nil:
		case is:
			f.outOfRange(reader, gone)
		case err != nil:
			if held, ok := f.quiet.unread.Pass(); ok {
				f.log.Warn("crossings not read: trying again", "partition", f.p.ID, "error", explain.Kafka(err), "held_back", held)
			}
			pause.Wait(ctx)
		default:
			pause.Reset()
		}
	}
}

// outOfRange goes on where the log begins: records were deleted before they were delivered, or the topic is another one.
func (f *feed) outOfRange(reader fetch.Reader, gone *fetch.OutOfRange) {
	f.log.Error("crossings were deleted before they were delivered: going on with what is there",
		"partition", f.p.ID, "offset", gone.Offset, "start", gone.Start, "end", gone.End)
	f.metrics.hole.Set(float64(f.now().UnixMilli()) / 1000)
	f.window.restart(gone.Start)
	reader.SeekTo(gone.Start)
}

// take hands the records of a set to their lanes.
func (f *feed) take(ctx context.Context, set fetch.RecordSet) error {
	var r records.Record
	for {
		more, err := set.Read(ctx, &r)
		if err != nil {
			return err
		}
		if !more {
			next, _ := set.Span()
			f.window.read(next) // what is no record, as the marks of transactions
			return nil
		}
		e := &entry{offset: r.Offset, next: r.Next(), timestamp: r.Timestamp, crossing: f.parse(&r)}
		if f.window.add(ctx, e) {
			f.lanes.submit(ctx, e)
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

// parse is the crossing of a record, if it is one that the sink is told of.
func (f *feed) parse(r *records.Record) *crossing.Crossing {
	c, err := crossing.Parse(f.p.ID, r)
	switch {
	case err != nil:
		f.metrics.foreign.Inc()
		if held, ok := f.quiet.foreign.Pass(); ok {
			f.log.Warn("record of the crossings topic is no crossing: passed over", "partition", f.p.ID, "offset", r.Offset, "error", err, "held_back", held)
		}
		return nil
	case !f.sink.wants(c):
		return nil
	}
	return c
}
