package janitor

import (
	"bytes"
	"context"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// forgetter deletes subjects whose windows have been empty for long.
type forgetter struct {
	*Options
}

// emptied is a subject whose windows are empty.
type emptied struct {
	subject     *windows.Subject // shrunk to what is never forgotten
	parts       []windows.Part   // that it has in the store
	key, record []byte           // of the record, as read
	kind        thresholds.Kind
	id          []byte
}

// whole reports whether the record is all that is stored of the subject, and goes as a whole.
func (e *emptied) whole() bool { return len(e.parts) == 0 && !e.subject.Announced() }

// forget deletes subjects whose windows are empty. Those that are a record and no more go in one
// step, unless another process has just written one of them. If it has, they go one after the
// other, as all the others do.
func (w *forgetter) forget(ctx context.Context, shard int, list []emptied) error {
	var records []windowstore.Record
	var keys [][]byte
	for i := range list {
		if e := &list[i]; e.whole() {
			records, keys = append(records, compared(e.key, e.record)), append(keys, e.key)
		}
	}
	gone, err := w.drop(ctx, shard, records, keys)
	if err != nil {
		return err
	}
	if gone {
		w.Metrics.Forgotten(len(keys))
	}
	for i := range list {
		if e := &list[i]; !gone || !e.whole() {
			if err := w.forgetOne(ctx, shard, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// forgetOne deletes a subject with its parts. A subject that ever had a level shrinks to its levels
// and episodes: its next crossing must not repeat an old id. The version guards each step: whoever
// writes the subject meanwhile wins.
func (w *forgetter) forgetOne(ctx context.Context, shard int, e *emptied) error {
	s, key, record := e.subject, e.key, e.record
	var gone [][]byte
	for _, p := range e.parts {
		gone = append(gone, w.Keys.AppendPartKey(nil, shard, s.PartID(nil, p), e.kind.String(), e.id))
	}
	if shrunk := bytes.Equal(s.AppendRecord(nil, [windows.VersionSize]byte(record), s.Writer()), record); shrunk && s.Announced() && len(gone) == 0 {
		return nil // nothing is left of it but that
	}
	if s.Announced() || len(gone) >= deleteMost {
		var err error // so that no record names parts some of which are gone
		if record, err = w.rewrite(ctx, shard, key, record, s); record == nil {
			return err
		}
	}
	if !s.Announced() {
		gone = append(gone, key)
	}
	if done, err := w.drop(ctx, shard, []windowstore.Record{compared(key, record)}, gone); !done {
		return err
	}
	if s.Announced() && len(gone) > 0 {
		s.Deleted(e.parts)
		if written, err := w.rewrite(ctx, shard, key, record, s); written == nil {
			return err
		}
	}
	w.Metrics.Forgotten(1)
	return nil
}

// rewrite writes s if the record is as it was read, and returns the new one; nil if it is not.
func (w *forgetter) rewrite(ctx context.Context, shard int, key, record []byte, s *windows.Subject) ([]byte, error) {
	written := s.AppendRecord(nil, w.Version(), w.Writer)
	next := compared(key, record)
	next.Value = written
	c := &windowstore.Commit{Records: []windowstore.Record{next}}
	if res, err := w.Store.Commit(ctx, shard, c); err != nil || res.Outcome != windowstore.Done {
		return nil, err
	}
	return written, nil
}

// compared is a record that must be as it was read.
func compared(key, record []byte) windowstore.Record {
	return windowstore.Record{Key: key, Version: record[:windows.VersionSize]}
}

// deleteMost is how many keys are deleted at once.
const deleteMost = windowstore.MaxCommitKeys / 2

// drop deletes keys if the records are as they were read.
func (w *forgetter) drop(ctx context.Context, shard int, records []windowstore.Record, keys [][]byte) (bool, error) {
	for some := range slices.Chunk(keys, deleteMost) {
		c := &windowstore.Commit{Records: records, Deletes: some}
		if res, err := w.Store.Commit(ctx, shard, c); err != nil || res.Outcome != windowstore.Done {
			return false, err
		}
	}
	return true, nil
}
