package stream

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// errOtherTopic: offsets of the old topic mean nothing in the new one.
var errOtherTopic = errors.New("the topic was deleted and made anew, or this is another Kafka: what is stored was counted of the old one; use another redis.prefix (or an empty store) and another kafka.group")

// identify compares the ids of the event topics, as the brokers have told them, with those that the store was
// counted of, which the first process notes.
func (s *Service) identify(ctx context.Context) error {
	s.topicIDs = map[string]fetch.TopicID{}
	for topic, id := range s.deployment.events {
		if id == (fetch.TopicID{}) {
			continue // they give none
		}
		err := s.untilStored(ctx, func() error {
			same, err := s.noteTopic(ctx, topic, id)
			if err == nil && !same {
				err = &finalError{fmt.Errorf("topic %s: %w", topic, errOtherTopic)}
			}
			return err
		})
		if err != nil {
			return err
		}
		s.topicIDs[topic] = id
	}
	return nil
}

// noteTopic stores the id of a topic, if none is stored, and says whether it is the stored one.
func (s *Service) noteTopic(ctx context.Context, topic string, id fetch.TopicID) (same bool, err error) {
	text := hex.AppendEncode(nil, id[:])
	b, err := s.Store.PutAbsent(ctx, 0, topicKey(s.Store, topic), text)
	return string(b) == string(text), err
}

func topicKey(store windowstore.Store, topic string) []byte {
	return store.Keys().AppendTopicKey(nil, topic)
}

// otherTopic says whether a topic is no longer the one that it was at the start. The offsets
// alone do not tell when the new one has already grown beyond the old one's.
func (s *Service) otherTopic(topic string, id fetch.TopicID) bool {
	known, ok := s.topicIDs[topic]
	return ok && id != known && id != (fetch.TopicID{})
}
