package shard

import (
	"context"
	"errors"
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
	r := &Chunk{}
	for _, d := range due {
		kind, id, _ := s.Keys.ParseMember(d.Member)
		if k, ok := thresholds.ParseKind(kind); ok {
			r.Add(&engine.Operation{Kind: k, ID: id}, 0, 0, 0, 0)
		}
	}
	if err := s.reload(ctx, r); err != nil {
		return err
	}
	for i := range r.Ops {
		if s.due(&s.Batch, point{place: afterEvent}, time.Time{}) != notDue {
			if err := s.Commit(ctx); err != nil {
				return err
			}
			if err := s.reload(ctx, r); err != nil {
				return err
			}
		}
		if e := s.swept(r, i); e != nil {
			s.clearDue(e, s.StreamTime())
		}
	}
	if s.due(&s.Batch, point{place: afterSweep}, time.Time{}) != notDue {
		if err := s.Commit(ctx); err != nil {
			return err
		}
	}
	now := s.StreamTime()
	var indexed []*Entry
	for i := range r.Ops {
		if e := s.swept(r, i); e != nil && !e.dirty {
			s.dueBy(e, now) // it may have been read again since
			indexed = append(indexed, e)
		}
	}
	s.index(ctx, indexed)
	return s.recheckIndex(ctx, indexed)
}

// recheckIndex looks once more at subjects that were taken out of the index, or put
// to a later date: what another process noted between the reading of a record and that would be
// lost. It commits before it notes, so that one of the two sees the other.
func (s *Shard) recheckIndex(ctx context.Context, entries []*Entry) error {
	if s.Peers.Load() == 0 {
		return nil
	}
	for some := range slices.Chunk(entries, MaxLoadKeys) {
		if err := s.recheckSome(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

func (s *Shard) recheckSome(ctx context.Context, entries []*Entry) error {
	s.load.begin()
	for _, e := range entries {
		s.load.key(s.appendRecordKey(s.load.arena, e))
	}
	if err := s.read(ctx); err != nil {
		return err
	}
	var again []windowstore.Due
	for i, e := range entries {
		if !SameVersion(s.load.values[i], e.version) {
			member := s.Keys.AppendMember(nil, e.Kind.String(), []byte(e.ID))
			again = append(again, windowstore.Due{Member: member, Unix: engine.Seconds(s.StreamTime())})
		}
	}
	if len(again) == 0 {
		return nil
	}
	if err := s.Store.Arm(ctx, s.Number, again...); err != nil && ctx.Err() == nil {
		s.Metrics.StoreError("index", err)
	}
	return nil
}

// reload reads the subjects of r, but for those of the batch, and then the fences
// of others. Other processes write both, and a store may have gone back: by an old record a subject
// would leave the index that has a clear due, and by fences older than the record an episode
// would end before its time. What goes back afterwards the commit finds out, by the record's version.
func (s *Shard) reload(ctx context.Context, r *Chunk) error {
	for i := range r.Ops {
		if e := s.swept(r, i); e != nil && !e.dirty {
			e.loaded = false
		}
	}
	if err := s.fill(ctx, r, 0); err != nil {
		return err
	}
	return s.Retrier.Retry(ctx, metrics.OperationLoad, s.Number, func() error {
		values, err := s.Store.Load(ctx, s.Number, s.fenceKeys(), nil)
		if err == nil {
			s.adopt(values)
		}
		return err
	})
}

// clearDue ends the episodes of e that are due. A subject of which the index said
// more than is true stays out of the batch, so that the index can be put right.
func (s *Shard) clearDue(e *Entry, streamTime int64) {
	if s.dueBy(e, streamTime) {
		s.touch(e)
		s.Apply.Clear(&e.Subject, e.Reached(streamTime))
		s.weigh(e)
	}
}

// dueBy says whether e has a clear due by the stream's time. e.due is a lower bound: once it is reached, it is worked out again.
func (s *Shard) dueBy(e *Entry, streamTime int64) bool {
	t := e.Reached(streamTime)
	if e.Due <= t {
		e.Due = s.Apply.NextClear(&e.Subject)
	}
	return e.Due <= t
}

// swept is the entry of the i-th subject of r; nil if the shard was reset.
func (s *Shard) swept(r *Chunk, i int) *Entry {
	e := s.Subjects[string(s.NameOf(r.Ops[i].kind, r.id(&r.Ops[i])))]
	if e == nil || !e.loaded {
		return nil
	}
	return e
}

// index notes in the index of armed subjects when each may have a clear due, or
// that it has none. It is a hint, mended by the scan: an error only delays a clear.
func (s *Shard) index(ctx context.Context, entries []*Entry) {
	var armed []windowstore.Due
	var disarmed [][]byte
	for _, e := range entries {
		member := s.Keys.AppendMember(nil, e.Kind.String(), []byte(e.ID))
		if e.Due == engine.Never {
			disarmed = append(disarmed, member)
		} else {
			armed = append(armed, windowstore.Due{Member: member, Unix: engine.Seconds(e.Awaited())})
		}
	}
	var err error
	if len(armed) > 0 {
		err = s.Store.Arm(ctx, s.Number, armed...)
	}
	if len(disarmed) > 0 {
		err = errors.Join(err, s.Store.Disarm(ctx, s.Number, disarmed...))
	}
	if err != nil {
		if ctx.Err() == nil {
			s.Metrics.StoreError("index", err)
		}
		return
	}
	for _, e := range entries {
		e.indexed = e.Delay()
	}
}
