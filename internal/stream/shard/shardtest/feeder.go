package shardtest

import (
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
)

// Feeder makes chunks of lines, as one partition.
type Feeder struct {
	Intake *engine.Intake
	Offset int64 // of the next line
	place  int   // of the partition
}

// NewFeeder is a feeder at the start of a partition.
func NewFeeder(p *engine.Program) *Feeder {
	return &Feeder{Intake: engine.NewIntake(p, engine.Secret{}, engine.IntakeOptions{})}
}

// Apply has a shard apply lines, as the next of its assignment's partition.
func (f *Feeder) Apply(tb testing.TB, s *shard.Shard, l *shard.Assignment, lines ...string) {
	tb.Helper()
	f.place = l.Index
	if err := s.Take(tb.Context(), l, f.Chunk(tb, lines)); err != nil {
		tb.Fatal(err)
	}
}

// Count has a shard apply lines and commit.
func (f *Feeder) Count(tb testing.TB, s *shard.Shard, l *shard.Assignment, lines ...string) {
	tb.Helper()
	f.Apply(tb, s, l, lines...)
	if err := s.Commit(tb.Context()); err != nil {
		tb.Fatal(err)
	}
}

// Chunk is the chunk of lines, as the next of the partition.
func (f *Feeder) Chunk(tb testing.TB, lines []string) *shard.Chunk {
	tb.Helper()
	r := &shard.Chunk{}
	r.Reset(f.Offset)
	var clock int64
	for _, line := range lines {
		if err := f.Intake.Decoder.Decode(&f.Intake.Event, []byte(line)); err != nil {
			tb.Fatal(err)
		}
		clock = engine.Milliseconds(f.Intake.Event.Time)
		ops, _ := f.Intake.Operations()
		for _, o := range ops {
			r.Add(&o, f.place, f.Offset, clock, f.Intake.Newest)
		}
		f.Offset++
	}
	r.To = position.Position{Offset: f.Offset, Clock: clock, Newest: f.Intake.Newest, Pack: f.Intake.Program.Hash}
	return r
}
