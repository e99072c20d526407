package listing

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
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
	var all []stored
	for some := range slices.Chunk(names, writeMost) {
		values, err := r.store.Load(ctx, shard, r.keys(shard, some), nil)
		if err != nil {
			return nil, err
		}
		for i, n := range some {
			s := r.decode(n, values[i])
			if s.subject != nil && len(s.subject.NeedsHistory(nil)) > 0 {
				if s, err = r.whole(ctx, shard, s); err != nil {
					return nil, err
				}
			}
			all = append(all, s)
		}
	}
	return all, nil
}

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

func (r *records) decode(n Name, record []byte) stored {
	s := stored{Name: n}
	if record == nil {
		return s
	}
	s.version = bytes.Clone(record[:min(windows.VersionSize, len(record))])
	ws, err := windows.DecodeSubject(&r.program.Kinds[n.Kind].Layout, record)
	if err != nil {
		s.damaged = err
		return s
	}
	s.subject = &engine.Subject{Subject: ws, Kind: n.Kind, ID: n.ID}
	return s
}

// whole reads the histories of a subject together with its record, so that they fit each other.
func (r *records) whole(ctx context.Context, shard int, s stored) (stored, error) {
	for range 5 {
		keys := r.keys(shard, []Name{s.Name})
		parts := s.subject.NeedsHistory(nil)
		for _, p := range parts {
			id := s.subject.PartID(nil, p)
			keys = append(keys, r.store.Keys().AppendPartKey(nil, shard, id, s.Kind.String(), []byte(s.ID)))
		}
		values, err := r.store.Load(ctx, shard, keys, nil)
		if err != nil {
			return s, err
		}
		if before := s.version; !bytes.HasPrefix(values[0], before) {
			if s = r.decode(s.Name, values[0]); s.subject == nil || len(s.subject.NeedsHistory(nil)) == 0 {
				return s, nil
			}
			continue
		}
		for i, p := range parts {
			if err := s.subject.Load(p, values[1+i]); err != nil {
				return stored{Name: s.Name, version: s.version, damaged: err}, nil
			}
		}
		return s, nil
	}
	return stored{Name: s.Name, version: s.version, damaged: errBusy}, nil
}

// errBusy is a subject that is written so often that its histories cannot be read with its record.
var errBusy = errors.New("the record is written all the time")

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
			versions = append(versions, v[:min(windows.VersionSize, len(v))])
		}
	}
	return versions, nil
}
