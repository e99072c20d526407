package inspect

import (
	"context"
	"fmt"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Reader reads a store of so many shards, as the packs of a program count.
type Reader struct {
	Program *engine.Program
	Store   windowstore.Store
	Shards  int
	// Partitions are those of the events' topics, by which Detail knows what counters lack; nil: that is not asked.
	Partitions func(context.Context) ([]position.TopicPartition, error)
	// Wanted reports of a subject without its histories whether Whole is to read them, or takes it as one that is not there. Nil: all are.
	Wanted func(*engine.Subject) bool
}

// Standings appends where the subject kind/id is with each rule in which it has any progress, in
// the packs' order. A commit between two reads may cause an error: try again.
func (r *Reader) Standings(ctx context.Context, dst []Standing, kind thresholds.Kind, id string) ([]Standing, error) {
	where, record, err := r.Record(ctx, kind, id)
	if err != nil || record == nil {
		return dst, err
	}
	s, err := r.Subject(ctx, where.Shard, kind, []byte(id), record)
	if err != nil {
		return dst, err
	}
	rules := r.Program.Kinds[kind].Rules
	for i := range rules {
		if at := NewStanding(&rules[i], i, s, nil); at.Progress > 0 {
			dst = append(dst, at)
		}
	}
	return dst, nil
}

// Forget deletes everything that is stored of the subject kind/id. It is for subjects for which no
// more events come: a subject that is being written may be left in part.
func (r *Reader) Forget(ctx context.Context, kind thresholds.Kind, id string) error {
	where, record, err := r.Record(ctx, kind, id)
	if err != nil || record == nil {
		return err
	}
	s, err := windows.DecodeSubject(&r.Program.Kinds[kind].Layout, record)
	if err != nil {
		return fmt.Errorf("forget a subject of shard %d: %w", where.Shard, err)
	}
	keys := r.Store.Keys()
	gone := [][]byte{where.Key}
	for _, part := range s.Shrink(nil) {
		gone = append(gone, keys.AppendPartKey(nil, where.Shard, s.PartID(nil, part), kind.String(), []byte(id)))
	}
	if err := r.Store.Delete(ctx, where.Shard, gone...); err != nil {
		return err
	}
	var rows []windowstore.RowChange
	for i := range r.Program.Kinds[kind].Rules {
		row := windowstore.RowName{Rule: r.Program.Kinds[kind].Rules[i].ID, ID: []byte(id)}
		rows = append(rows, windowstore.RowChange{RowName: row, Gone: true})
	}
	if err := r.Store.List(ctx, where.Shard, rows...); err != nil {
		return err
	}
	return r.Store.Disarm(ctx, where.Shard, keys.AppendMember(nil, kind.String(), []byte(id)))
}

// Place is where a subject's record is stored.
type Place struct {
	Shard int
	Key   []byte
}

// Record reads the record of a subject; nil if there is none.
func (r *Reader) Record(ctx context.Context, kind thresholds.Kind, id string) (where Place, record []byte, err error) {
	where.Shard = windowstore.ShardOf(kind.String(), []byte(id), r.Shards)
	where.Key = r.Store.Keys().AppendRecordKey(nil, where.Shard, kind.String(), []byte(id))
	records, err := r.Store.Load(ctx, where.Shard, [][]byte{where.Key}, nil)
	if err != nil {
		return where, nil, err
	}
	return where, records[0], nil
}

// Subject makes a subject of its record in a shard, and reads its histories, which its values need.
func (r *Reader) Subject(ctx context.Context, shard int, kind thresholds.Kind, id, record []byte) (*engine.Subject, error) {
	ws, err := windows.DecodeSubject(&r.Program.Kinds[kind].Layout, record)
	if err != nil {
		return nil, fmt.Errorf("read a subject of shard %d: %w", shard, err)
	}
	for _, part := range ws.NeedsHistory(nil) {
		key := r.Store.Keys().AppendPartKey(nil, shard, ws.PartID(nil, part), kind.String(), id)
		values, err := r.Store.Load(ctx, shard, [][]byte{key}, nil)
		if err != nil {
			return nil, err
		}
		if err := ws.Load(part, values[0]); err != nil {
			return nil, fmt.Errorf("read a history of shard %d: %w", shard, err)
		}
	}
	return &engine.Subject{Subject: ws, Kind: kind, ID: string(id)}, nil
}
