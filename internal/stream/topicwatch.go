package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
)

// The library can look for new partitions, but each member compares with the count that it finds
// when its generation begins. Partitions may be made after the leader gave out what it knew of, and
// before that. Nobody would read these until the group is next balanced. So each process compares
// with what it knows itself, and the leader with what it gave out.

// partitionCounts are numbers of partitions, by topic.
type partitionCounts map[string]int

// topicWatch looks whether the event topics are what they were when the service began.
type topicWatch struct {
	topics fetch.TopicFinder
	ids    topicIDs
	known  partitionCounts
	log    *slog.Logger
}

// check returns errGrown when a topic has more partitions than the process knows of, or gave out as
// the group's leader (nil: it is not). It returns a final error when a topic is no longer the one
// that it was.
func (w *topicWatch) check(ctx context.Context, events []string, given *partitionCounts) error {
	for _, topic := range events {
		found, err := w.topics.Topic(ctx, topic)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !errors.Is(err, kafka.UnknownTopicOrPartition):
			w.log.Debug("topic not looked at", "topic", topic, "error", err)
		case err != nil:
		case w.ids.other(topic, found.ID):
			return &finalError{fmt.Errorf("topic %s: %w", topic, errOtherTopic)}
		case found.Partitions > w.known[topic] || given != nil && found.Partitions > (*given)[topic]:
			w.log.Warn("partition is new: starting again with it", "topic", topic, "partition", found.Partitions-1)
			return errGrown
		}
	}
	return nil
}
