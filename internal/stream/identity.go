package stream

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
)

// settingTopic is followed by the name of an event topic: its id is kept.
const settingTopic = "topic:"

// errOtherTopic: offsets of the old topic mean nothing in the new one.
var errOtherTopic = errors.New("the topic was deleted and made anew: what is stored was counted of the old one; use another redis.prefix (or an empty store) and another kafka.group")

// identify compares the ids of the event topics with those that the store was
// counted of, which the first process notes.
func (s *Service) identify(ctx context.Context) error {
	s.topicIDs = map[string]fetch.TopicID{}
	for _, topic := range s.Events {
		err := s.untilItWorks(ctx, "kafka and its topics", func() error { return s.identifyOne(ctx, topic) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) identifyOne(ctx context.Context, topic string) error {
	id, err := s.fetch.TopicID(ctx, topic)
	if err != nil || id == (fetch.TopicID{}) {
		return err
	}
	same, err := s.noteTopic(ctx, topic, id)
	if err != nil {
		return err
	}
	if !same {
		return &finalError{fmt.Errorf("topic %s: %w", topic, errOtherTopic)}
	}
	s.topicIDs[topic] = id
	return nil
}

// noteTopic stores the id of a topic, if none is stored, and says whether it is the stored one.
func (s *Service) noteTopic(ctx context.Context, topic string, id fetch.TopicID) (same bool, err error) {
	text := hex.AppendEncode(nil, id[:])
	b, err := s.Store.PutAbsent(ctx, 0, s.Store.Keys().AppendMetaKey(nil, 0, settingTopic+topic), text)
	return string(b) == string(text), err
}

// recognize ends the run if a topic is no longer the one that it was at the
// start. The offsets alone do not tell when the new one has already grown beyond the old one's.
func (s *Service) recognize(ctx context.Context) {
	for topic, known := range s.topicIDs {
		id, err := s.fetch.TopicID(ctx, topic)
		if err != nil && !errors.Is(err, kafka.UnknownTopicOrPartition) {
			s.log.Debug("topic not looked at", "topic", topic, "error", err)
		}
		if err == nil && id != known && id != (fetch.TopicID{}) {
			s.again(&finalError{fmt.Errorf("topic %s: %w", topic, errOtherTopic)})
		}
	}
}
