package verify

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// compareShard compares all subjects of a shard, some at a time. Their records and the shard's fences are
// read at one moment, and the log is counted up to those fences.
func (v *verification) compareShard(ctx context.Context, n int) error {
	keys, err := v.records(ctx, n)
	if err != nil {
		return err
	}
	for len(keys) > 0 {
		some := keys[:min(len(keys), verifyTogether)]
		keys = keys[len(some):]
		again, err := v.compareTogether(ctx, n, some)
		if err != nil {
			return err
		}
		keys = append(keys, again...)
	}
	return nil
}

// findExtraRecords finds the records of the store whose subjects the log does not have, as far as it
// was counted. One look is for all shards, since a Redis goes over all its keys for each. What the
// service stores later is in memory as well when its shard's turn comes, if it comes from the log.
func (v *verification) findExtraRecords(ctx context.Context) error {
	v.extra = make([][][]byte, v.Shards)
	for _, s := range v.recount.shards {
		if err := s.Commit(ctx); err != nil {
			return err
		}
	}
	var failed error
	wanted := [][]byte{nil}
	var values [][]byte
	err := v.Store.ScanRecords(ctx, func(n int, key []byte) bool {
		_, kind, id, _ := v.Store.Keys().ParseRecordKey(key)
		if k, known := thresholds.ParseKind(kind); !known || k == thresholds.Canary || n >= v.Shards {
			return true
		}
		wanted[0] = v.recount.store.Keys().AppendRecordKey(wanted[0][:0], n, kind, id)
		if values, failed = v.recount.store.Load(ctx, n, wanted, values); failed == nil && values[0] == nil {
			v.extra[n] = append(v.extra[n], bytes.Clone(key))
		}
		return failed == nil
	}, nil)
	return errors.Join(err, failed)
}

// records are the keys of all records of a shard, in memory and in the store.
func (v *verification) records(ctx context.Context, n int) ([][]byte, error) {
	if err := v.recount.shards[n].Commit(ctx); err != nil {
		return nil, err
	}
	keys, again := v.extra[n], v.recount.store
	v.extra[n] = nil
	err := again.Scan(ctx, n, again.Keys().AppendRecordPrefix(nil, n), func(key []byte) bool {
		_, kind, id, _ := again.Keys().ParseRecordKey(key)
		keys = append(keys, v.Store.Keys().AppendRecordKey(nil, n, kind, id))
		return true
	})
	slices.SortFunc(keys, bytes.Compare)
	return slices.CompactFunc(keys, bytes.Equal), err
}

// compareTogether compares subjects by the keys of their records. It returns the keys of those that were
// written while their parts were read.
func (v *verification) compareTogether(ctx context.Context, n int, keys [][]byte) (again [][]byte, err error) {
	values, err := v.load(ctx, n, keys)
	if err != nil {
		return nil, err
	}
	if err := v.limit(n, values[:len(v.topics)]); err != nil {
		return nil, err
	}
	if err := v.readOn(ctx, n); err != nil {
		return nil, err
	}
	if err := v.recount.shards[n].Commit(ctx); err != nil {
		return nil, err
	}
	c := v.comparing(n)
	for i, record := range values[len(v.topics):] {
		moved, err := v.compareOne(ctx, c, n, keys[i], record)
		if err != nil {
			return nil, err
		}
		if moved {
			again = append(again, keys[i])
		}
	}
	return again, nil
}

// comparing compares subjects of a shard at the limits last read of it.
func (v *verification) comparing(n int) *comparing {
	c := &comparing{
		program: v.Program, clears: &v.clears, began: v.began, limits: v.limits[n],
		high: engine.NoTime, horizon: v.horizon(n), eras: v.recount.kindEras(), result: &v.Result, found: v.Found,
	}
	if v.Only != nil {
		c.told = v.Only.Told
	}
	for _, m := range c.limits {
		c.high = max(c.high, m.Newest)
	}
	return c
}

// errMoved: the record was written while its parts were read.
var errMoved = errors.New("written while it was read")

// compareOne compares a subject of a shard. It reports whether its record moved meanwhile.
func (v *verification) compareOne(ctx context.Context, c *comparing, n int, key, record []byte) (moved bool, err error) {
	_, name, id, _ := v.Store.Keys().ParseRecordKey(key)
	kind, _ := thresholds.ParseKind(name)
	again := v.recount.store
	wanted := again.Keys().AppendRecordKey(nil, n, name, id)
	values, err := again.Load(ctx, n, [][]byte{wanted}, nil)
	if err != nil {
		return false, err
	}
	want, err := v.open(ctx, &storedSubject{store: again, shard: n, kind: kind, id: id, key: wanted, record: values[0]})
	if err != nil {
		return false, err
	}
	got, err := v.open(ctx, &storedSubject{store: v.Store, shard: n, kind: kind, id: id, key: key, record: record})
	switch {
	case errors.Is(err, errMoved):
		return true, nil
	case errors.Is(err, windows.ErrCorrupt) || errors.Is(err, windows.ErrMissingPart):
		c.differ(Difference{Subject: name + "/" + string(id), What: "record", Want: "sound", Got: err.Error()})
		return false, nil
	case err != nil:
		return false, err
	}
	c.by = v.recount.decidedBy(n, kind, id, want != nil)
	c.ordered = v.recount.ordered(kind, id) && !c.by.unsure
	c.subject(kind, string(id), want, got)
	return false, nil
}

// storedSubject is a subject as one of the two stores has it.
type storedSubject struct {
	store   windowstore.Store
	shard   int
	kind    thresholds.Kind
	id, key []byte
	record  []byte // nil: none
}

// open makes a subject of its record, with all its parts; nil, if there is no record.
func (v *verification) open(ctx context.Context, s *storedSubject) (*engine.Subject, error) {
	if s.record == nil {
		return nil, nil
	}
	ws, err := windows.DecodeSubject(&v.Program.Kinds[s.kind].Layout, s.record)
	if err != nil {
		return nil, err
	}
	for some := range slices.Chunk(ws.Missing(nil), shard.MaxLoadKeys) {
		if err := v.loadParts(ctx, s, ws, some); err != nil {
			return nil, err
		}
	}
	return engine.NewSubject(ws, s.kind, string(s.id)), nil
}

// loadParts loads some parts of a subject into it, unless its record was written meanwhile.
func (v *verification) loadParts(ctx context.Context, s *storedSubject, into *windows.Subject, some []windows.Part) error {
	keys := [][]byte{s.key}
	for _, p := range some {
		keys = append(keys, s.store.Keys().AppendPartKey(nil, s.shard, into.PartID(nil, p), s.kind.String(), s.id))
	}
	var values [][]byte
	err := v.Retry(ctx, "load", s.shard, func() (err error) {
		values, err = s.store.Load(ctx, s.shard, keys, nil)
		return err
	})
	if err != nil {
		return err
	}
	if !shard.SameVersion(values[0], s.record[:windows.VersionSize]) {
		return errMoved
	}
	for i, p := range some {
		if err := into.Load(p, values[i+1]); err != nil {
			return err
		}
	}
	return nil
}
