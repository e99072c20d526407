package stream

import (
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/stream/subscribe"
)

const (
	// subscriberRebalance is how long the broker waits, at a rebalance, for a member that ends what is under way: one request to a
	// sink, and a commit.
	subscriberRebalance = 30 * time.Second
	// subscriberFetch is how much is read of a partition at once.
	subscriberFetch = 64 << 10
	// growthEvery is how often it is looked whether the topic has more partitions.
	growthEvery = 2 * time.Second
)

// Subscribe makes the connections of a group that reads the topic of crossings. Nothing is dialled yet.
func (k *Kafka) Subscribe(group string) subscribe.Connections {
	own := *k
	own.Events, own.Shadow, own.Canary = nil, "", "" // which it needs no right to see
	source, end := own.TailSource(subscriberFetch)
	transport := own.Transport()
	client := &kafka.Client{Addr: own.Addr(), Transport: transport}
	offsets := &subscribe.KafkaOffsets{Client: client, Topic: own.Crossings, Group: group}
	return subscribe.Connections{
		Topic: own.Crossings, Group: group, Source: source, Offsets: offsets, Stay: offsets.Stay,
		Join: func() (*kafka.ConsumerGroup, error) { return own.newSubscriber(group) },
		End: func() {
			end()
			transport.CloseIdleConnections()
		},
	}
}

// newSubscriber joins a group that reads crossings.
func (k *Kafka) newSubscriber(group string) (*kafka.ConsumerGroup, error) {
	return kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: group, Brokers: k.Brokers, Topics: []string{k.Crossings}, Dialer: k.dialer(),
		HeartbeatInterval: 500 * time.Millisecond, SessionTimeout: 10 * time.Second,
		RebalanceTimeout: subscriberRebalance, JoinGroupBackoff: 500 * time.Millisecond,
		WatchPartitionChanges: true, PartitionWatchInterval: growthEvery,
		StartOffset: kafka.FirstOffset, Timeout: groupTimeout,
	})
}
