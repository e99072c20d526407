package tail

import (
	"context"
	"errors"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
)

// follow reads a partition until ctx ends.
func (t *Tail) follow(ctx context.Context, partition int) {
	pause := retry.Backoff{First: 100 * time.Millisecond, Most: 2 * time.Second}
	from := int64(-1) // at first, shortly before the end
	for ctx.Err() == nil {
		err := t.read(ctx, partition, &from, pause.Reset)
		if _, gone := errors.AsType[*fetch.OutOfRange](err); gone {
			from = -1 // the topic was made anew, or what was not read yet was deleted
		}
		if err != nil {
			t.failed(ctx, t.reading(partition), err)
			pause.Wait(ctx)
		}
	}
}

// read reads a partition from an offset on, -1: from shortly before its end, until there is an error. It keeps in from where it is.
func (t *Tail) read(ctx context.Context, partition int, from *int64, heard func()) error {
	start, end, err := t.Source.Offsets(ctx, t.Topic, partition)
	if err != nil {
		return err
	}
	if *from < 0 || *from < start {
		*from = max(start, end-int64(t.Most))
		t.reset(partition, *from, *from > start)
	}
	t.keep(partition, nil, *from, end) // where there is nothing to read, all is read
	looked := time.Now()
	stream := t.Source.Open(t.Topic, partition, *from)
	defer stream.Close()
	for {
		set, err := stream.Next(ctx)
		if err != nil {
			return err
		}
		if err := t.take(ctx, partition, set, from, end); err != nil {
			return err
		}
		heard()
		if time.Since(looked) > startEvery {
			looked = time.Now()
			if start, _, err = t.Source.Offsets(ctx, t.Topic, partition); err != nil {
				return err
			}
			t.started(partition, start)
		}
	}
}

// take keeps what a set holds, and moves from behind it. The partition is read once end is reached.
func (t *Tail) take(ctx context.Context, partition int, set fetch.RecordSet, from *int64, end int64) error {
	var list []*Crossing
	var r records.Record
	for {
		more, err := set.Read(ctx, &r)
		if err != nil {
			t.keep(partition, list, *from, end)
			return err
		}
		if !more {
			break
		}
		*from = r.Next()
		if c, ok := parse(partition, &r); ok {
			list = append(list, c)
		} else if held, ok := t.foreign.Pass(); ok {
			t.Log.Warn("record of the crossings topic is no crossing: not shown", "topic", t.Topic, "partition", partition, "offset", r.Offset, "held_back", held)
		}
	}
	if next, _ := set.Span(); next > *from {
		*from = next // what is no record, as the marks of transactions
	}
	t.keep(partition, list, *from, end)
	return nil
}

// Record is a record of the topic, as Took takes them.
type Record = records.Record

// Took puts records into a partition, after which it is read to its end. It is for tests of what shows crossings.
func (t *Tail) Took(partition int, list ...Record) {
	t.begin(partition + 1)
	if len(list) > 0 && t.reading(partition).heard.IsZero() {
		t.reset(partition, list[0].Offset, false)
	}
	var next int64
	var all []*Crossing
	for i := range list {
		next = max(next, list[i].Next())
		if c, ok := parse(partition, &list[i]); ok {
			all = append(all, c)
		}
	}
	t.keep(partition, all, next, 0)
}

func (t *Tail) reading(partition int) *reading {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.partitions[partition]
}

// reset forgets what is kept of a partition.
func (t *Tail) reset(partition int, from int64, older bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list.reset(partition, from, older)
}

// started notes where the log of a partition begins.
func (t *Tail) started(partition int, start int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list.start(partition, start)
}

// keep adds crossings of a partition that was read up to next, and tells who follows.
func (t *Tail) keep(partition int, list []*Crossing, next, end int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r, news := t.partitions[partition], false
	for _, c := range list {
		if t.list.add(c) && (r.whole || r.added) {
			t.came, news = append(t.came, c), true
		}
	}
	t.list.read(partition, next)
	r.heard, r.failure, r.whole = time.Now(), nil, r.whole || next >= end
	t.trim()
	if news {
		close(t.changed)
		t.changed = make(chan struct{})
	}
}

// trim forgets of what came that which is no longer kept.
func (t *Tail) trim() {
	n := max(0, len(t.came)-t.Most)
	for n < len(t.came) && (len(t.list.kept) == 0 || t.came[n].Compare(t.list.kept[0].Place) < 0) {
		n++
	}
	if n == 0 {
		return
	}
	t.first += uint64(n)
	t.came = append([]*Crossing(nil), t.came[n:]...)
}
