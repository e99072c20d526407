package stream

import (
	"context"
	"errors"
	"maps"
	"testing"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/settings"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// TestIdentify: the store keeps the ids of the event topics that the brokers give, and knows a topic that was recreated.
func TestIdentify(t *testing.T) {
	in := settings.Settings{Store: windowstore.NewMem(1)}
	f := func(events, want map[string]fetch.TopicID, refused error) {
		t.Helper()
		d := &deployment{events: events}
		got, err := d.identify(t.Context(), in)
		if !errors.Is(err, refused) || (err == nil) != (refused == nil) || !maps.Equal(got, want) {
			t.Errorf("%v: %v, %v, want %v", events, got, err, want)
		}
	}
	a, b := fetch.TopicID{1}, fetch.TopicID{2}
	f(map[string]fetch.TopicID{"in": {}}, nil, nil)
	f(map[string]fetch.TopicID{"in": a}, map[string]fetch.TopicID{"in": a}, nil)
	f(map[string]fetch.TopicID{"in": a, "more": b}, map[string]fetch.TopicID{"in": a, "more": b}, nil)
	f(map[string]fetch.TopicID{"in": {}, "more": b}, map[string]fetch.TopicID{"more": b}, nil)
	f(map[string]fetch.TopicID{"in": b}, nil, errOtherTopic)
}

// topicsOf tells of topics that are given; another name is not known.
type topicsOf map[string]fetch.Topic

func (f topicsOf) Topic(_ context.Context, topic string) (fetch.Topic, error) {
	found, ok := f[topic]
	if !ok {
		return fetch.Topic{}, kafka.UnknownTopicOrPartition
	}
	return found, nil
}

// TestWatchTopicIDs: a topic with another id ends the service; one that is gone, or whose id is not told, does not.
func TestWatchTopicIDs(t *testing.T) {
	a, b := fetch.TopicID{1}, fetch.TopicID{2}
	f := func(name string, topics topicsOf, want error) {
		t.Helper()
		w := topicWatch{topics: topics, ids: topicIDs{"in": a}, known: partitionCounts{"in": 2, "unknown": 1}, log: discard}
		err := w.check(t.Context(), []string{"in", "unknown"}, nil)
		if !errors.Is(err, want) || (err == nil) != (want == nil) || final(err) != errors.Is(err, errOtherTopic) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	f("the same", topicsOf{"in": {ID: a, Partitions: 2}, "unknown": {ID: b, Partitions: 1}}, nil)
	f("gone", topicsOf{}, nil)
	f("without an id", topicsOf{"in": {Partitions: 2}}, nil)
	f("recreated", topicsOf{"in": {ID: b, Partitions: 2}}, errOtherTopic)
	f("recreated and larger", topicsOf{"in": {ID: b, Partitions: 3}}, errOtherTopic)
	f("larger", topicsOf{"in": {ID: a, Partitions: 3}}, errGrown)
	f("another one larger", topicsOf{"unknown": {Partitions: 2}}, errGrown)
}
