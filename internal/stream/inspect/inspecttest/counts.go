// Package inspecttest reads all that a store has counted, for tests that compare it with what was to be counted.
package inspecttest

import (
	"bytes"
	"context"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// Counts calls yield with the counts lines of everything in r's store. The store should be at rest: subjects are read one after the other.
func Counts(ctx context.Context, r *inspect.Reader, yield func(line []byte) bool) error {
	var all []*engine.Subject
	keys, err := records(ctx, r)
	if err != nil {
		return err
	}
	for n := range r.Shards {
		some, err := subjects(ctx, r, n, keys[n])
		if err != nil {
			return err
		}
		all = append(all, some...)
	}
	r.Program.Counts(all, yield)
	return nil
}

// records are the keys of all records, by shard.
func records(ctx context.Context, r *inspect.Reader) ([][][]byte, error) {
	keys := make([][][]byte, r.Shards)
	seen := map[string]bool{}
	err := r.Store.ScanRecords(ctx, func(n int, key []byte) bool {
		if n < r.Shards && !seen[string(key)] {
			seen[string(key)] = true
			keys[n] = append(keys[n], bytes.Clone(key))
		}
		return true
	}, nil)
	return keys, err
}

func subjects(ctx context.Context, r *inspect.Reader, number int, keys [][]byte) ([]*engine.Subject, error) {
	var all []*engine.Subject
	for part := range slices.Chunk(keys, 1_000) {
		records, err := r.Store.Load(ctx, number, part, nil)
		if err != nil {
			return nil, err
		}
		for i, record := range records {
			_, name, id, _ := r.Store.Keys().ParseRecordKey(part[i])
			kind, ok := thresholds.ParseKind(name)
			if record == nil || !ok || kind == thresholds.Canary {
				continue
			}
			s, err := r.Subject(ctx, number, kind, id, record)
			if err != nil {
				return nil, err
			}
			all = append(all, s)
		}
	}
	return all, nil
}
