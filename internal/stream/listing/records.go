package listing

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Name names a subject of a shard.
type Name struct {
	Kind thresholds.Kind
	ID   string
}

func (n Name) compare(o Name) int {
	return cmp.Or(cmp.Compare(n.Kind, o.Kind), cmp.Compare(n.ID, o.ID))
}

// records reads subjects as they are stored.
type records struct {
	program *engine.Program
	store   windowstore.Store
}

// stored is a subject as it is stored.
type stored struct {
	Name
	version []byte          // of its record; nil: there is none
	subject *engine.Subject // with its histories; nil: there is no record, or it cannot be read
	damaged error           // why it cannot be read
}

// read reads subjects of a shard, each at one moment.
func (r *records) read(ctx context.Context, shard int, names []Name) ([]stored, error) {
	return r.readIf(ctx, shard, names, nil)
}

// readIf is read, except that the histories are only read of those subjects for which wanted is true. The others are as those that have no
// record.
func (r *records) readIf(ctx context.Context, shard int, names []Name, wanted func(*engine.Subject) bool) ([]stored, error) {
	whole := inspect.Reader{Program: r.program, Store: r.store, Wanted: wanted}
	var all []stored
	for some := range slices.Chunk(names, writeMost) {
		keys := r.keys(shard, some)
		values, err := r.store.Load(ctx, shard, keys, nil)
		if err != nil {
			return nil, err
		}
		for i, n := range some {
			s := stored{Name: n}
			var record []byte
			s.subject, record, err = whole.Whole(ctx, inspect.Place{Shard: shard, Key: keys[i]}, n.Kind, n.ID, values[i])
			if _, ok := errors.AsType[*inspect.Unreadable](err); ok {
				s.damaged = err
			} else if err != nil {
				return nil, err
			}
			s.version = bytes.Clone(versionOf(record))
			all = append(all, s)
		}
	}
	return all, nil
}

// versionOf is the version of a record; nil: there is none.
func versionOf(record []byte) []byte { return record[:min(windows.VersionSize, len(record))] }

// Subjects reads subjects of a shard with their histories, each at one moment. Those of whom there is no record, or none that can be
// read, are left out.
func Subjects(ctx context.Context, p *engine.Program, store windowstore.Store, shard int, names []Name) (all []*engine.Subject, err error) {
	r := records{p, store}
	found, err := r.read(ctx, shard, names)
	for _, s := range found {
		if s.subject != nil && s.damaged == nil {
			all = append(all, s.subject)
		}
	}
	return all, err
}

// keys are the keys of their records.
func (r *records) keys(shard int, names []Name) (keys [][]byte) {
	for _, n := range names {
		keys = append(keys, r.store.Keys().AppendRecordKey(nil, shard, n.Kind.String(), []byte(n.ID)))
	}
	return keys
}

// foreign are the subjects whose records this process did not write last, or that have none, or of which there is doubt.
func (l *Lister) foreign(ctx context.Context, shard int, names []Name) (foreign []Name, err error) {
	values, err := l.store.Load(ctx, shard, l.keys(shard, names), nil)
	for i, v := range values {
		if windows.WriterOf(v) != l.Writer || l.shards[shard].doubted[names[i]] {
			foreign = append(foreign, names[i])
		}
	}
	return foreign, err
}

// versions are those of the records of subjects; nil: there is none.
func (r *records) versions(ctx context.Context, shard int, names []Name) (versions [][]byte, err error) {
	for some := range slices.Chunk(names, writeMost) {
		values, err := r.store.Load(ctx, shard, r.keys(shard, some), nil)
		if err != nil {
			return nil, err
		}
		for _, v := range values {
			versions = append(versions, versionOf(v))
		}
	}
	return versions, nil
}
