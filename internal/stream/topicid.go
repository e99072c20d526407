package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/settings"
)

// errOtherTopic: offsets of the old topic mean nothing in the new one.
var errOtherTopic = errors.New("the topic was deleted and made anew, or this is another Kafka: what is stored was counted of the old one; use another redis.prefix (or an empty store) and another kafka.group")

// topicIDs are the ids of the event topics, as the store has them. A topic whose id the brokers do not give is not among them.
type topicIDs map[string]fetch.TopicID

// identify compares the ids of the event topics, as the brokers give them, with the ids of the
// topics that the store was counted from. The first process notes these.
func (d *deployment) identify(ctx context.Context, in settings.Settings) (topicIDs, error) {
	ids := topicIDs{}
	for topic, id := range d.events {
		if id == (fetch.TopicID{}) {
			continue // they give none
		}
		same, err := in.Topic(ctx, topic, id)
		if err != nil {
			return nil, err
		}
		if !same {
			return nil, &finalError{fmt.Errorf("topic %s: %w", topic, errOtherTopic)}
		}
		ids[topic] = id
	}
	return ids, nil
}

// other reports whether a topic of that id is no longer the one that it was at the start. The
// offsets alone do not show this when the new one has already grown beyond the old one's.
func (ids topicIDs) other(topic string, id fetch.TopicID) bool {
	known, ok := ids[topic]
	return ok && id != known && id != (fetch.TopicID{})
}
