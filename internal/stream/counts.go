package stream

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// counts calls yield with a line (thresholds.AppendCounts) for each rule and
// subject of whose measures any is above 0, as of the subject's time, sorted by the bytes of
// rule, then subject. The line is valid during the call only.
func (a *applier) counts(subjects []*subject, yield func(line []byte) bool) {
	type row struct {
		rule    *boundRule
		number  int
		subject *subject
	}
	var rows []row
	for _, s := range subjects {
		rules := a.program.kinds[s.kind].rules
		for i := range rules {
			rows = append(rows, row{&rules[i], i, s})
		}
	}
	slices.SortFunc(rows, func(x, y row) int {
		return cmp.Or(cmp.Compare(x.rule.ID, y.rule.ID), cmp.Compare(x.subject.id, y.subject.id))
	})
	var line []byte
	for _, x := range rows {
		a.readValues(x.subject, x.rule)
		if !slices.ContainsFunc(a.values, func(v thresholds.Value) bool { return v.Value > 0 }) {
			continue
		}
		m := x.subject.RuleState(x.number)
		st := thresholds.State{Level: thresholds.Level(m.Level), Episode: max(m.Episode, 1)}
		line = thresholds.AppendCounts(line[:0], x.rule.Rule, x.subject.id, st, a.values)
		if !yield(line) {
			return
		}
	}
}

// Counts calls yield with the counts lines of everything the replay has kept.
func (r *Replay) Counts(yield func(line []byte) bool) {
	var all []*subject
	for k := range r.subjects {
		for _, s := range r.subjects[k] {
			all = append(all, s)
		}
	}
	r.apply.counts(all, yield)
}

// StoredCounts calls yield with the counts lines of everything in the store, of
// that many shards. The store should be at rest: subjects are read one after the other.
func (p *Program) StoredCounts(ctx context.Context, store windowstore.Store, shards int, yield func(line []byte) bool) error {
	a := applier{program: p}
	var all []*subject
	keys, err := storedRecords(ctx, store, shards)
	if err != nil {
		return err
	}
	for n := range shards {
		some, err := p.storedSubjects(ctx, store, n, keys[n])
		if err != nil {
			return err
		}
		all = append(all, some...)
	}
	a.counts(all, yield)
	return nil
}

// storedRecords are the keys of all records, by shard.
func storedRecords(ctx context.Context, store windowstore.Store, shards int) ([][][]byte, error) {
	keys := make([][][]byte, shards)
	seen := map[string]bool{}
	err := store.ScanRecords(ctx, func(n int, key []byte) bool {
		if n < shards && !seen[string(key)] {
			seen[string(key)] = true
			keys[n] = append(keys[n], bytes.Clone(key))
		}
		return true
	}, nil)
	return keys, err
}

func (p *Program) storedSubjects(ctx context.Context, store windowstore.Store, shard int, keys [][]byte) ([]*subject, error) {
	var all []*subject
	for part := range slices.Chunk(keys, maxLoadKeys) {
		records, err := store.Load(ctx, shard, part, nil)
		if err != nil {
			return nil, err
		}
		for i, record := range records {
			_, name, id, _ := store.Keys().ParseRecordKey(part[i])
			kind, ok := thresholds.ParseKind(name)
			if record == nil || !ok {
				continue
			}
			s, err := p.storedSubject(ctx, store, shard, kind, id, record)
			if err != nil {
				return nil, err
			}
			all = append(all, s)
		}
	}
	return all, nil
}

// storedSubject reads a subject's histories, which its values need.
func (p *Program) storedSubject(ctx context.Context, store windowstore.Store, shard int, kind thresholds.Kind, id, record []byte) (*subject, error) {
	ws, err := windows.DecodeSubject(&p.kinds[kind].layout, record)
	if err != nil {
		return nil, fmt.Errorf("read a subject of shard %d: %w", shard, err)
	}
	for _, part := range ws.NeedsHistory(nil) {
		key := store.Keys().AppendPartKey(nil, shard, ws.PartID(nil, part), kind.String(), id)
		values, err := store.Load(ctx, shard, [][]byte{key}, nil)
		if err != nil {
			return nil, err
		}
		if err := ws.Load(part, values[0]); err != nil {
			return nil, fmt.Errorf("read a history of shard %d: %w", shard, err)
		}
	}
	return &subject{Subject: ws, kind: kind, id: string(id)}, nil
}
