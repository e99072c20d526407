package deadletters

import (
	"context"
	"errors"
	"math"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
)

// lookThrough notes which events are in their partitions already: a run before may have sent them, or their producer. A record that
// the service refuses is none. Nor is the original of each, which it may take by now: it refused it then.
func (p *PutBack) lookThrough(ctx context.Context) error {
	var list []stretch
	for _, t := range p.targets {
		s, err := p.stretchOf(ctx, t)
		if err != nil {
			return err
		}
		t.end = s.to
		list = append(list, s)
	}
	return p.look(ctx, list, func(r *Record, offset int64) error {
		r.offset = offset
		return nil
	})
}

// lookAgain notes which events have come since a partition was looked through: those under way when an error came.
func (p *PutBack) lookAgain(ctx context.Context, t *target) error {
	_, end, err := p.Source.Offsets(ctx, t.topic, t.partition)
	if err != nil {
		return err
	}
	s := stretch{t.topic, t.partition, t.end, max(t.end, end)}
	t.end = s.to
	return p.look(ctx, []stretch{s}, p.arrived)
}

// look calls found for each record whose event is in a stretch, once, with the offset there.
func (p *PutBack) look(ctx context.Context, list []stretch, found func(r *Record, offset int64) error) error {
	byPlace := map[Place]*target{}
	for _, t := range p.targets {
		byPlace[Place{Topic: t.topic, Partition: t.partition}] = t
	}
	j := newJudge(p.Intake)
	var id []byte
	reader := reading{source: p.Source, progress: p.Progress}
	return reader.each(ctx, list, func(s *stretch, x *records.Record) error {
		var is bool
		if id, is = j.identity(id[:0], x); !is {
			return nil
		}
		r := byPlace[Place{Topic: s.topic, Partition: s.partition}].byID[string(id)]
		if r == nil || r.offset >= 0 || r.refused(x.Offset, x.Timestamp) {
			return nil
		}
		return found(r, x.Offset)
	})
}

// stretchOf is what a partition is looked through: from one dedupe window before the first of its refused records on, and before
// the first refusal. In a topic that was made anew, or is a mirror, offsets say nothing, but the time still does.
func (p *PutBack) stretchOf(ctx context.Context, t *target) (stretch, error) {
	start, end, err := p.Source.Offsets(ctx, t.topic, t.partition)
	if err != nil {
		return stretch{}, explain.Kafka(err)
	}
	s := stretch{t.topic, t.partition, end, end}
	refused := int64(math.MaxInt64)
	for _, r := range t.records {
		s.from, refused = min(s.from, r.Origin.Offset), min(refused, r.Time)
	}
	if s.from = max(s.from, start); s.from >= end || refused == engine.NoTimestamp {
		s.from = start
		return s, nil
	}
	first, ok, err := p.firstTimestamp(ctx, s)
	if err != nil {
		return s, err
	}
	if ok {
		refused = min(refused, first)
	}
	intake := p.Intake.WithDefaults()
	before, err := p.Source.OffsetAt(ctx, t.topic, t.partition, refused-intake.DedupeWindow.Milliseconds())
	if err != nil {
		return s, explain.Kafka(err)
	}
	s.from = max(start, min(s.from, before))
	return s, nil
}

// firstTimestamp is the Kafka timestamp of the first record of a stretch, ms; false: there is none.
func (p *PutBack) firstTimestamp(ctx context.Context, s stretch) (ms int64, ok bool, err error) {
	errFound := errors.New("found")
	r := reading{source: p.Source}
	err = r.each(ctx, []stretch{s}, func(_ *stretch, x *records.Record) error {
		ms = x.Timestamp
		return errFound
	})
	if errors.Is(err, errFound) {
		return ms, ms != engine.NoTimestamp, nil
	}
	return 0, false, err
}
