package shard

import (
	"context"
	"slices"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Sweep ends the episodes of silent subjects that the stream's time has made
// due. The members come from the index of armed subjects, which may be out of date.
func (s *Shard) Sweep(ctx context.Context, due []windowstore.Due) error {
	s.at = moment{clock: s.Now().UnixMilli(), ended: true} // no operation makes these clears: they are of now
	var list []name
	for _, d := range due {
		kind, id, _ := s.Keys.ParseMember(d.Member)
		if k, ok := thresholds.ParseKind(kind); ok {
			list = append(list, name{k, id})
		}
	}
	if err := s.reload(ctx, list); err != nil {
		return err
	}
	for _, n := range list {
		if s.due(&s.batch, point{place: afterEvent}, time.Time{}) != notDue {
			if err := s.Commit(ctx); err != nil {
				return err
			}
			if err := s.reload(ctx, list); err != nil {
				return err
			}
		}
		if e := s.swept(n); e != nil {
			s.clearDue(e, s.StreamTime())
		}
	}
	if s.due(&s.batch, point{place: afterSweep}, time.Time{}) != notDue {
		if err := s.Commit(ctx); err != nil {
			return err
		}
	}
	now := s.StreamTime()
	var indexed []*Entry
	for _, n := range list {
		if e := s.swept(n); e != nil && !e.dirty {
			s.dueBy(e, now) // it may have been read again since
			indexed = append(indexed, e)
		}
	}
	index := index{&s.cache}
	index.note(ctx, indexed)
	return s.recheckIndex(ctx, indexed)
}

// reload reads subjects, except those of the batch, and then the fences of others. Other processes
// write both, and a store may have gone back. By an old record a subject with a clear due would
// leave the index. By fences older than the record an episode would end before its time. If
// something goes back afterwards, the commit finds that out by the record's version.
func (s *Shard) reload(ctx context.Context, list []name) error {
	for _, n := range list {
		if e := s.swept(n); e != nil && !e.dirty {
			e.loaded = false
		}
	}
	of, err := s.cache.read(ctx, nil, slices.Values(list))
	if err != nil {
		return err
	}
	err = s.complete(ctx, func(yield func(*Entry, []engine.Addition) bool) {
		for _, e := range of {
			if !yield(e, nil) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	return s.Retrier.Retry(ctx, metrics.OperationLoad, s.Number, func() error {
		fences, err := s.watch.fences(ctx)
		if err == nil {
			s.positions.adopt(fences, s.Alignment.Trusted)
		}
		return err
	})
}

// swept is the entry of a subject; nil if the shard was reset.
func (s *Shard) swept(n name) *Entry {
	if e := s.cache.get(n); e != nil && e.loaded {
		return e
	}
	return nil
}

// clearDue ends the episodes of e that are due. A subject of which the index said
// more than is true stays out of the batch, so that the index can be put right.
func (s *Shard) clearDue(e *Entry, streamTime int64) {
	if s.dueBy(e, streamTime) {
		s.touch(e)
		s.apply.Clear(&e.Subject, e.Reached(streamTime))
		s.batch.weigh(e)
	}
}

// dueBy reports whether e has a clear due by the stream's time. e.Due is a lower bound: once it is reached, it is worked out again.
func (s *Shard) dueBy(e *Entry, streamTime int64) bool {
	t := e.Reached(streamTime)
	if e.Due <= t {
		s.apply.Redate(&e.Subject)
	}
	return e.Due <= t
}
