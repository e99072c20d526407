package verify

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/cespare/xxhash/v2"

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

// findExtraRecords finds the records of the store whose subjects the log does not have, as far as it was counted. One
// look is for all shards, since a Redis goes over all its keys for each. What the service stores later is
// in memory as well when its shard's turn comes, if it comes from the log.
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
		if _, known := thresholds.ParseKind(kind); !known || n >= v.Shards {
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
		moved, err := v.compareOne(ctx, c, keys[i], record)
		if err != nil {
			return nil, err
		}
		if moved {
			again = append(again, keys[i])
		}
	}
	return again, nil
}

// errMoved: the record was written while its parts were read.
var errMoved = errors.New("written while it was read")

// compareOne compares a subject. It reports whether its record moved meanwhile.
func (v *verification) compareOne(ctx context.Context, c *comparing, key, record []byte) (moved bool, err error) {
	_, name, id, _ := v.Store.Keys().ParseRecordKey(key)
	kind, _ := thresholds.ParseKind(name)
	wanted := v.recount.store.Keys().AppendRecordKey(nil, c.shard, name, id)
	values, err := v.recount.store.Load(ctx, c.shard, [][]byte{wanted}, nil)
	if err != nil {
		return false, err
	}
	want, err := v.openSubject(ctx, v.recount.store, c.shard, kind, id, wanted, values[0])
	if err != nil {
		return false, err
	}
	got, err := v.openSubject(ctx, v.Store, c.shard, kind, id, key, record)
	switch {
	case errors.Is(err, errMoved):
		return true, nil
	case errors.Is(err, windows.ErrCorrupt) || errors.Is(err, windows.ErrMissingPart):
		c.differ(Difference{Subject: name + "/" + string(id), What: "record", Want: "sound", Got: err.Error()})
		return false, nil
	case err != nil:
		return false, err
	}
	c.fed = v.recount.fed[xxhash.Sum64(append([]byte{byte(kind)}, id...))]
	c.subject(kind, string(id), want, got)
	return false, nil
}

// openSubject makes a subject of its record, with all its parts; nil, if there is no record.
func (v *verification) openSubject(ctx context.Context, store windowstore.Store, number int, kind thresholds.Kind, id, key, record []byte) (*engine.Subject, error) {
	if record == nil {
		return nil, nil
	}
	ws, err := windows.DecodeSubject(&v.Program.Kinds[kind].Layout, record)
	if err != nil {
		return nil, err
	}
	for some := range slices.Chunk(ws.Missing(nil), shard.MaxLoadKeys) {
		keys := [][]byte{key}
		for _, p := range some {
			keys = append(keys, store.Keys().AppendPartKey(nil, number, ws.PartID(nil, p), kind.String(), id))
		}
		var values [][]byte
		err := v.Retry(ctx, "load", number, func() (err error) {
			values, err = store.Load(ctx, number, keys, nil)
			return err
		})
		if err != nil {
			return nil, err
		}
		if !shard.SameVersion(values[0], record[:windows.VersionSize]) {
			return nil, errMoved
		}
		for i, p := range some {
			if err := ws.Load(p, values[i+1]); err != nil {
				return nil, err
			}
		}
	}
	return engine.NewSubject(ws, kind, string(id)), nil
}
