package shard

import (
	"context"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// Stands reports whether the partition of an index is ours, and begun.
func (s *Shard) Stands(partition int) bool { return s.positions.states[partition].stands }

// Fence is the fence of the partition of an index, as it was stored last.
func (s *Shard) Fence(partition int) []byte { return s.positions.states[partition].stored }

// Waiting are the crossings that wait for the commit, as the outbox will have them.
func (s *Shard) Waiting() (list [][]byte) {
	for _, c := range s.batch.crossings {
		list = append(list, slices.Clone(c.value))
	}
	return list
}

// BatchSize is what the commit of the batch takes: keys at most, bytes about.
func (s *Shard) BatchSize() (keys, bytes int) { return s.batch.commitKeys(), s.batch.bytes }

// Entry is a subject in memory; nil: it is not there.
func (s *Shard) Entry(kind thresholds.Kind, id string) *Entry {
	return s.cache.get(name{kind, []byte(id)})
}

// ReadHead reads the outbox's head: the number of its next entry.
func (s *Shard) ReadHead(ctx context.Context) (next uint64, err error) {
	b := &s.commits.boxes[liveBox]
	err = s.commits.readHead(ctx, b)
	return b.next, err
}
