package shard

import (
	"context"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// Standing is where a partition stands for a shard.
type Standing struct {
	Stands      bool              // it is ours, and begun
	At          position.Position // up to where it was applied; of another's: its fence as last read
	Key, Stored []byte            // of its fence; what was written, if it is ours
}

// Standing is where the partition of an index stands.
func (s *Shard) Standing(partition int) Standing {
	p := &s.positions.states[partition]
	return Standing{p.stands, p.at, p.key, p.stored}
}

// Busy reports whether a batch has begun.
func (s *Shard) Busy() bool { return !s.batch.begun.IsZero() }

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
	err = s.commits.readHead(ctx)
	return s.commits.head.next, err
}
