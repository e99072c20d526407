package subscribe

import (
	"context"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"
)

// Start says where a new group begins. A partition that the topic gets later is read from its start.
type Start struct {
	Latest bool          // at the ends
	Time   time.Time     // at the first records of that Kafka timestamp or a later one; zero: not so
	Back   time.Duration // the same, of so long ago; 0: not so
}

// settle chooses where a new group begins, once for all partitions, before anybody has joined it. A group that has
// an offset in any partition has begun.
func (s *Subscription) settle(ctx context.Context) error {
	err := s.trySettle(ctx)
	if err != nil && ctx.Err() == nil {
		s.failed("finding where the group begins", err)
	}
	return err
}

func (s *Subscription) trySettle(ctx context.Context) error {
	n, err := s.kafka.Source.Partitions(ctx, s.kafka.Topic)
	if _, said := errors.AsType[kafka.Error](err); said {
		s.answered()
	}
	switch {
	case err != nil:
		return err
	case n == 0:
		return kafka.UnknownTopicOrPartition
	}
	s.answered()
	if s.start == (Start{}) {
		return nil // a partition without an offset is read from its start
	}
	ids := make([]int, n)
	for i := range ids {
		ids[i] = i
	}
	committed, err := s.kafka.Offsets.Committed(ctx, ids)
	if err != nil {
		return err
	}
	for i, c := range committed {
		if c.At >= 0 {
			return nil
		}
		if committed[i].At, err = s.startOf(ctx, c.Partition, time.Now()); err != nil {
			return err
		}
	}
	err = s.kafka.Offsets.Commit(ctx, Nobody, committed)
	if errors.Is(err, kafka.UnknownMemberId) || errors.Is(err, kafka.IllegalGeneration) || errors.Is(err, kafka.RebalanceInProgress) {
		return nil // another process has joined by now: it settled this first
	}
	if err == nil {
		s.log.Info("group is new: it begins where the config says", "group", s.kafka.Group, "partitions", n)
	}
	return err
}

// startOf is where a partition begins.
func (s *Subscription) startOf(ctx context.Context, partition int, now time.Time) (int64, error) {
	switch {
	case !s.start.Time.IsZero():
		return s.kafka.Source.OffsetAt(ctx, s.kafka.Topic, partition, s.start.Time.UnixMilli())
	case s.start.Back > 0:
		return s.kafka.Source.OffsetAt(ctx, s.kafka.Topic, partition, now.Add(-s.start.Back).UnixMilli())
	}
	_, end, err := s.kafka.Source.Offsets(ctx, s.kafka.Topic, partition)
	return end, err
}
