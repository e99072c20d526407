package servers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// requestLimit bounds one request to Kafka, with the client's own retries.
const requestLimit = 30 * time.Second

var topicsMade atomic.Int64

// NewTopic makes a topic with a name no other test has and returns the name.
// The values of config are the topic's settings, as "retention.ms": "1000".
func (k *KafkaServer) NewTopic(partitions int, config map[string]string) string {
	k.tb.Helper()
	safe := strings.Map(func(r rune) rune {
		if r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '-'
	}, k.tb.Name())
	// Kafka allows 249 bytes.
	name := fmt.Sprintf("%s-%d", safe[:min(len(safe), 200)], topicsMade.Add(1))
	k.CreateTopic(name, partitions, config)
	return name
}

// CreateTopic makes a topic of that name and returns once every partition has a
// leader. On three brokers and more it has three copies.
func (k *KafkaServer) CreateTopic(name string, partitions int, config map[string]string) {
	k.tb.Helper()
	request := kmsg.NewPtrCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, int32(partitions), -1
	for key, value := range config {
		setting := kmsg.NewCreateTopicsRequestTopicConfig()
		setting.Name, setting.Value = key, &value
		topic.Configs = append(topic.Configs, setting)
	}
	request.Topics = append(request.Topics, topic)
	k.ask("create topic "+name, func(ctx context.Context, client *kgo.Client) error {
		reply, err := request.RequestWith(ctx, client)
		if err != nil {
			return err
		}
		return topicError(reply.Topics[0].ErrorCode, reply.Topics[0].ErrorMessage)
	})
	k.awaitLeaders(name, partitions)
}

// AddPartitions raises the topic's number of partitions to total.
func (k *KafkaServer) AddPartitions(name string, total int) {
	k.tb.Helper()
	request := kmsg.NewPtrCreatePartitionsRequest()
	topic := kmsg.NewCreatePartitionsRequestTopic()
	topic.Topic, topic.Count = name, int32(total)
	request.Topics = append(request.Topics, topic)
	k.ask("add partitions to "+name, func(ctx context.Context, client *kgo.Client) error {
		reply, err := request.RequestWith(ctx, client)
		if err != nil {
			return err
		}
		return topicError(reply.Topics[0].ErrorCode, reply.Topics[0].ErrorMessage)
	})
	k.awaitLeaders(name, total)
}

// DeleteTopic deletes the topic. Kafka goes on deleting its files afterwards.
func (k *KafkaServer) DeleteTopic(name string) {
	k.tb.Helper()
	request := kmsg.NewPtrDeleteTopicsRequest()
	topic := kmsg.NewDeleteTopicsRequestTopic()
	topic.Topic = &name
	request.TopicNames, request.Topics = []string{name}, append(request.Topics, topic)
	k.ask("delete topic "+name, func(ctx context.Context, client *kgo.Client) error {
		reply, err := request.RequestWith(ctx, client)
		if err != nil {
			return err
		}
		return topicError(reply.Topics[0].ErrorCode, reply.Topics[0].ErrorMessage)
	})
}

// Leader returns which broker leads a partition, as Broker counts them.
func (k *KafkaServer) Leader(name string, partition int32) (leader int) {
	k.tb.Helper()
	k.ask("find the leader of "+name, func(ctx context.Context, client *kgo.Client) error {
		topics, err := describe(ctx, client, name)
		if err != nil {
			return err
		}
		for _, p := range topics[0].Partitions {
			if p.Partition == partition {
				leader = int(p.Leader) - 1
			}
		}
		return nil
	})
	return leader
}

// HasTopic reports whether any broker still knows the topic.
func (k *KafkaServer) HasTopic(name string) (has bool) {
	k.tb.Helper()
	for _, addr := range k.Addrs() {
		ctx, cancel := context.WithTimeout(k.tb.Context(), requestLimit)
		err := withClient(ctx, []string{addr}, func(ctx context.Context, client *kgo.Client) error {
			return led(ctx, client, name, 0)
		})
		cancel()
		has = has || !errors.Is(err, kerr.UnknownTopicOrPartition)
	}
	return has
}

func topicError(code int16, message *string) error {
	err := kerr.ErrorForCode(code)
	if err != nil && message != nil {
		return fmt.Errorf("%w: %s", err, *message)
	}
	return err
}

// awaitLeaders returns once the topic has that many partitions, each with a leader.
func (k *KafkaServer) awaitLeaders(name string, partitions int) {
	k.tb.Helper()
	k.ask("await leaders of "+name, func(ctx context.Context, client *kgo.Client) error {
		return poll(ctx, func(ctx context.Context) error {
			return led(ctx, client, name, partitions)
		})
	})
}

// AwaitCopies returns once all brokers that should have a copy of the topic's
// partitions are in step.
func (k *KafkaServer) AwaitCopies(topics ...string) {
	k.tb.Helper()
	k.ask("await copies", func(ctx context.Context, client *kgo.Client) error {
		return poll(ctx, func(ctx context.Context) error { return copied(ctx, client, topics) })
	})
}

// copied is nil if every partition of the topics has a leader and all its copies in step.
func copied(ctx context.Context, client *kgo.Client, topics []string) error {
	found, err := describe(ctx, client, topics...)
	if err != nil {
		return err
	}
	for _, t := range found {
		for _, p := range t.Partitions {
			if p.Leader < 0 || len(p.ISR) < len(p.Replicas) {
				return fmt.Errorf("partition %d of %s has %d of %d copies in step", p.Partition, *t.Topic, len(p.ISR), len(p.Replicas))
			}
		}
	}
	return nil
}

// describe asks what is known of topics.
func describe(ctx context.Context, client *kgo.Client, names ...string) ([]kmsg.MetadataResponseTopic, error) {
	request := kmsg.NewPtrMetadataRequest()
	for _, name := range names {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = &name
		request.Topics = append(request.Topics, topic)
	}
	reply, err := request.RequestWith(ctx, client)
	if err != nil {
		return nil, err
	}
	return reply.Topics, nil
}

// led is nil if the topic has that many partitions, each with a leader.
func led(ctx context.Context, client *kgo.Client, name string, partitions int) error {
	found, err := describe(ctx, client, name)
	if err != nil {
		return err
	}
	known := found[0]
	if err := kerr.ErrorForCode(known.ErrorCode); err != nil {
		return err
	}
	if len(known.Partitions) != partitions {
		return fmt.Errorf("%d of %d partitions", len(known.Partitions), partitions)
	}
	for _, p := range known.Partitions {
		if p.ErrorCode != 0 || p.Leader < 0 {
			return fmt.Errorf("partition %d has no leader", p.Partition)
		}
	}
	return nil
}

// ask runs f with a client of its own; an error ends the test.
func (k *KafkaServer) ask(what string, f func(context.Context, *kgo.Client) error) {
	k.tb.Helper()
	ctx, cancel := context.WithTimeout(k.tb.Context(), requestLimit)
	defer cancel()
	if err := withClient(ctx, k.Addrs(), f); err != nil {
		k.tb.Fatalf("%s: %v", what, err)
	}
}

func withClient(ctx context.Context, addrs []string, f func(context.Context, *kgo.Client) error) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(addrs...))
	if err != nil {
		return fmt.Errorf("make kafka client: %w", err)
	}
	defer client.Close()
	return f(ctx, client)
}

// readyBroker returns the look at a broker that is starting: nil once it knows
// all n brokers of its cluster.
func readyBroker(addr string, n int) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		return withClient(ctx, []string{addr}, func(ctx context.Context, client *kgo.Client) error {
			request := kmsg.NewPtrMetadataRequest()
			request.Topics = []kmsg.MetadataRequestTopic{}
			reply, err := request.RequestWith(ctx, client)
			if err != nil {
				return err
			}
			if len(reply.Brokers) != n {
				return errors.New("not all brokers are known yet")
			}
			return nil
		})
	}
}
