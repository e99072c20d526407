package stream

import (
	"context"
	"errors"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// sweep ends the episodes of silent subjects that the stream's time has made
// due. The members come from the index of armed subjects, which may be out of date.
func (s *shard) sweep(ctx context.Context, due []windowstore.Due) error {
	r := &chunk{}
	for _, d := range due {
		kind, id, _ := s.keys.ParseMember(d.Member)
		if k, ok := thresholds.ParseKind(kind); ok {
			r.add(&operation{kind: k, id: id}, 0, 0, 0, 0)
		}
	}
	if err := s.reload(ctx, r); err != nil {
		return err
	}
	for i := range r.ops {
		if s.full() {
			if err := s.commit(ctx); err != nil {
				return err
			}
			if err := s.reload(ctx, r); err != nil {
				return err
			}
		}
		if e := s.swept(r, i); e != nil {
			s.clearDue(e, s.streamTime())
		}
	}
	if len(s.batch.crossings) > 0 {
		if err := s.commit(ctx); err != nil {
			return err
		}
	}
	now := s.streamTime()
	var indexed []*entry
	for i := range r.ops {
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
func (s *shard) recheckIndex(ctx context.Context, entries []*entry) error {
	if s.peers.Load() == 0 {
		return nil
	}
	for some := range slices.Chunk(entries, maxLoadKeys) {
		if err := s.recheckSome(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

func (s *shard) recheckSome(ctx context.Context, entries []*entry) error {
	s.load.begin()
	for _, e := range entries {
		s.load.key(s.appendRecordKey(s.load.arena, e))
	}
	if err := s.read(ctx); err != nil {
		return err
	}
	var again []windowstore.Due
	for i, e := range entries {
		if !sameVersion(s.load.values[i], e.version) {
			member := s.keys.AppendMember(nil, e.kind.String(), []byte(e.id))
			again = append(again, windowstore.Due{Member: member, Unix: floorDiv(s.streamTime(), second)})
		}
	}
	if len(again) == 0 {
		return nil
	}
	if err := s.store.Arm(ctx, s.number, again...); err != nil && ctx.Err() == nil {
		s.metrics.storeError("index", err)
	}
	return nil
}

// reload reads the subjects of r, but for those of the batch, and then the fences
// of others. Other processes write both, and a store may have gone back: by an old record a subject
// would leave the index that has a clear due, and by fences older than the record an episode
// would end before its time. What goes back afterwards the commit finds out, by the record's version.
func (s *shard) reload(ctx context.Context, r *chunk) error {
	for i := range r.ops {
		if e := s.swept(r, i); e != nil && !e.dirty {
			e.loaded = false
		}
	}
	if err := s.fill(ctx, r, 0); err != nil {
		return err
	}
	return s.retrier.retry(ctx, operationLoad, s.number, func() error {
		values, err := s.store.Load(ctx, s.number, s.fenceKeys(), nil)
		if err == nil {
			s.adopt(values)
		}
		return err
	})
}

// clearDue ends the episodes of e that are due. A subject of which the index said
// more than is true stays out of the batch, so that the index can be put right.
func (s *shard) clearDue(e *entry, streamTime int64) {
	if s.dueBy(e, streamTime) {
		s.touch(e)
		s.apply.clear(&e.subject, e.Reached(streamTime))
		s.weigh(e)
	}
}

// dueBy says whether e has a clear due by the stream's time. e.due is a lower bound: once it is reached, it is worked out again.
func (s *shard) dueBy(e *entry, streamTime int64) bool {
	t := e.Reached(streamTime)
	if e.due <= t {
		e.due = s.apply.firstClears(&e.subject)
	}
	return e.due <= t
}

// swept is the entry of the i-th subject of r; nil if the shard was reset.
func (s *shard) swept(r *chunk, i int) *entry {
	e := s.subjects[string(s.nameOf(r.ops[i].kind, r.id(&r.ops[i])))]
	if e == nil || !e.loaded {
		return nil
	}
	return e
}

// index notes in the index of armed subjects when each may have a clear due, or
// that it has none. It is a hint, mended by the scan: an error only delays a clear.
func (s *shard) index(ctx context.Context, entries []*entry) {
	var armed []windowstore.Due
	var disarmed [][]byte
	for _, e := range entries {
		member := s.keys.AppendMember(nil, e.kind.String(), []byte(e.id))
		if e.due == never {
			disarmed = append(disarmed, member)
		} else {
			armed = append(armed, windowstore.Due{Member: member, Unix: floorDiv(e.awaited(), second)})
		}
	}
	var err error
	if len(armed) > 0 {
		err = s.store.Arm(ctx, s.number, armed...)
	}
	if len(disarmed) > 0 {
		err = errors.Join(err, s.store.Disarm(ctx, s.number, disarmed...))
	}
	if err != nil {
		if ctx.Err() == nil {
			s.metrics.storeError("index", err)
		}
		return
	}
	for _, e := range entries {
		e.indexed = e.Delay()
	}
}
