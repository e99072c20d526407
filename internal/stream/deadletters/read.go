package deadletters

import (
	"context"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
)

// stretch is a part of a partition's log.
type stretch struct {
	topic     string
	partition int
	from, to  int64 // offsets
}

func (s *stretch) failed(err error) error {
	return fmt.Errorf("read %s/%d: %w", s.topic, s.partition, explain.Kafka(err))
}

// Progress is told how many offsets were read, of how many.
type Progress func(done, all int64)

// reading reads stretches of logs, one after the other.
type reading struct {
	source   fetch.Source
	progress Progress
	done     int64 // offsets of the stretches before
	all      int64
}

// each calls f with every record of the stretches. The record is valid until f returns.
func (r *reading) each(ctx context.Context, list []stretch, f func(s *stretch, x *records.Record) error) error {
	for i := range list {
		r.all += list[i].to - list[i].from
	}
	for i := range list {
		s := &list[i]
		if err := r.read(ctx, s, f); err != nil {
			return err
		}
		r.done += s.to - s.from
		r.tell(0)
	}
	return nil
}

func (r *reading) tell(now int64) {
	if r.progress != nil {
		r.progress(r.done+now, r.all)
	}
}

// read reads one stretch. What is deleted from the log meanwhile is passed over.
func (r *reading) read(ctx context.Context, s *stretch, f func(s *stretch, x *records.Record) error) error {
	at := s.from
	if at >= s.to {
		return nil
	}
	stream := r.source.Open(s.topic, s.partition, at)
	defer stream.Close()
	for at < s.to {
		set, err := stream.Next(ctx)
		if gone, ok := errors.AsType[*fetch.OutOfRange](err); ok && gone.Start > at {
			at = gone.Start
			stream.SeekTo(at)
			continue
		}
		if err != nil {
			return s.failed(err)
		}
		if at, err = readSet(ctx, set, s, at, f); err != nil {
			return err
		}
		r.tell(min(at, s.to) - s.from)
	}
	return nil
}

// readSet reads one set, and returns the offset after it.
func readSet(ctx context.Context, set fetch.RecordSet, s *stretch, at int64, f func(s *stretch, x *records.Record) error) (int64, error) {
	var x records.Record
	for at < s.to {
		more, err := set.Read(ctx, &x)
		if err != nil {
			return at, s.failed(err)
		}
		if !more {
			break
		}
		at = x.Next()
		if x.Offset >= s.to || x.Fault != nil && x.Fault.Kind == records.Surplus {
			continue
		}
		if err := f(s, &x); err != nil {
			return at, err
		}
	}
	next, _ := set.Span()
	return max(at, next), ctx.Err()
}

// whole is the stretches that hold all of a topic, up to its end now.
func whole(ctx context.Context, source fetch.Source, topic string) ([]stretch, error) {
	n, err := source.Partitions(ctx, topic)
	if errors.Is(err, kafka.UnknownTopicOrPartition) || err == nil && n == 0 {
		return nil, fmt.Errorf("%s: %w", topic, partition.ErrNoTopic)
	}
	if err != nil {
		return nil, explain.Kafka(err)
	}
	var list []stretch
	for p := range n {
		start, end, err := source.Offsets(ctx, topic, p)
		if err != nil {
			return nil, explain.Kafka(err)
		}
		list = append(list, stretch{topic, p, start, end})
	}
	return list, nil
}
