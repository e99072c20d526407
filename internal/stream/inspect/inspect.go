package inspect

import (
	"context"
	"fmt"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Standing is where a subject is with one rule.
type Standing struct {
	Rule     *thresholds.Rule
	Subject  string
	State    thresholds.State
	Values   []thresholds.Value // by limit of Rule
	Progress uint64             // 1/10,000 of the limit
}

// Standings appends where the subject kind/id is with each rule in which it has any progress, in
// the packs' order. It reads the store, which has shards shards. A commit between two reads of it
// may cause an error: try again.
func Standings(ctx context.Context, p *engine.Program, store windowstore.Store, shards int, kind thresholds.Kind, id string, dst []Standing) ([]Standing, error) {
	number, _, record, err := FindRecord(ctx, store, shards, kind, id)
	if err != nil || record == nil {
		return dst, err
	}
	s, err := ReadSubject(ctx, p, store, number, kind, []byte(id), record)
	if err != nil {
		return dst, err
	}
	for i := range p.Kinds[kind].Rules {
		r := &p.Kinds[kind].Rules[i]
		values := r.AppendValues(nil, s.Subject)
		m := s.RuleState(i)
		if at := r.Progress(values); at > 0 {
			dst = append(dst, Standing{
				Rule: r.Rule, Subject: id, Values: values, Progress: at,
				State: thresholds.State{Level: thresholds.Level(m.Level), Episode: max(m.Episode, 1)},
			})
		}
	}
	return dst, nil
}

// Forget deletes everything that is stored of the subject kind/id. It is for subjects for which no
// more events come: a subject that is being written may be left in part.
func Forget(ctx context.Context, p *engine.Program, store windowstore.Store, shards int, kind thresholds.Kind, id string) error {
	number, key, record, err := FindRecord(ctx, store, shards, kind, id)
	if err != nil || record == nil {
		return err
	}
	s, err := windows.DecodeSubject(&p.Kinds[kind].Layout, record)
	if err != nil {
		return fmt.Errorf("forget a subject of shard %d: %w", number, err)
	}
	gone := [][]byte{key}
	for _, part := range s.Shrink(nil) {
		gone = append(gone, store.Keys().AppendPartKey(nil, number, s.PartID(nil, part), kind.String(), []byte(id)))
	}
	if err := store.Delete(ctx, number, gone...); err != nil {
		return err
	}
	return store.Disarm(ctx, number, store.Keys().AppendMember(nil, kind.String(), []byte(id)))
}

// FindRecord reads the record of a subject; nil if there is none.
func FindRecord(ctx context.Context, store windowstore.Store, shards int, kind thresholds.Kind, id string) (number int, key, record []byte, err error) {
	number = windowstore.ShardOf(kind.String(), []byte(id), shards)
	key = store.Keys().AppendRecordKey(nil, number, kind.String(), []byte(id))
	records, err := store.Load(ctx, number, [][]byte{key}, nil)
	if err != nil {
		return number, key, nil, err
	}
	return number, key, records[0], nil
}

// ReadSubject makes a subject of its record in a shard, and reads its histories, which its values need.
func ReadSubject(ctx context.Context, p *engine.Program, store windowstore.Store, number int, kind thresholds.Kind, id, record []byte) (*engine.Subject, error) {
	ws, err := windows.DecodeSubject(&p.Kinds[kind].Layout, record)
	if err != nil {
		return nil, fmt.Errorf("read a subject of shard %d: %w", number, err)
	}
	for _, part := range ws.NeedsHistory(nil) {
		key := store.Keys().AppendPartKey(nil, number, ws.PartID(nil, part), kind.String(), id)
		values, err := store.Load(ctx, number, [][]byte{key}, nil)
		if err != nil {
			return nil, err
		}
		if err := ws.Load(part, values[0]); err != nil {
			return nil, fmt.Errorf("read a history of shard %d: %w", number, err)
		}
	}
	return &engine.Subject{Subject: ws, Kind: kind, ID: string(id)}, nil
}
