package shard

import (
	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// Shard applies the operations of one shard and commits them, watches the fences, and ends the episodes of silent subjects.
type Shard struct {
	counter
	watch watch
}

// New is a shard in which no partition has begun.
func New(number int, o *Options) *Shard {
	s := &Shard{counter: counter{Options: o, Number: number, positions: newPositions(number, o.Keys, o.Partitions)}}
	s.batch = batch{number: 1, fences: len(o.Partitions)}
	keys := subjectKeys{Keys: o.Keys, shard: number}
	s.cache = cache{Options: o, number: number, pulse: &s.Pulse, subjects: map[string]*Entry{}, batch: s.batch.number, keys: keys}
	s.commits = committer{Options: o, number: number, pulse: &s.Pulse, keys: keys, boxes: newBoxes(o.Keys)}
	s.watch = watch{Options: o, number: number, pulse: &s.Pulse, boxes: &s.commits.boxes}
	s.StreamTimeShared.Store(engine.NoTime)
	s.apply = engine.Applier{Program: o.Program, Emit: s.announce}
	if o.Silent {
		s.apply.Emit = engine.Discard
	}
	s.apply.Since = func(kind thresholds.Kind, counter int) int64 {
		if s.Settings.Coverage == nil {
			return s.positions.since()
		}
		return position.LaterSince(s.positions.since(), s.Settings.Coverage.Since(kind, counter))
	}
	return s
}
