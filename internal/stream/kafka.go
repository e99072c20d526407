package stream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
)

// Kafka says which brokers, topics and group to use.
type Kafka struct {
	Brokers   []string // host:port
	Group     string
	Events    []string // topics read
	Crossings string   // topic written
	// DeadLetters is the topic of records that cannot be counted; "" for <topic>.dlq.
	DeadLetters string
	// Start is where a new group begins. Default: at the topics' starts.
	Start partition.Start
	// Structured: crossings are structured CloudEvents, not binary ones.
	Structured bool
	ClientID   string
	TLS        *tls.Config    // nil: no TLS
	SASL       sasl.Mechanism // nil: none
	// SetBytes is the most read of a partition at once. Default 1 MiB.
	SetBytes int
}

// DeadTopic is where the dead letters of a topic go.
func (k *Kafka) DeadTopic(topic string) string {
	if k.DeadLetters != "" {
		return k.DeadLetters
	}
	return topic + ".dlq"
}

// Topics is every topic of the configuration, once: events, their dead letters, crossings.
func (k *Kafka) Topics() []string {
	list := slices.Clone(k.Events)
	for _, t := range k.Events {
		if dead := k.DeadTopic(t); !slices.Contains(list, dead) {
			list = append(list, dead)
		}
	}
	return append(list, k.Crossings)
}

const (
	// dialTimeout bounds an attempt to reach a broker.
	dialTimeout = 3 * time.Second
	// rebalanceTimeout is how long the broker waits, at a rebalance, for a member that it still believes in.
	rebalanceTimeout = 5 * time.Second
)

// Transport is a connection pool to the brokers. Its metadata is refreshed
// every second, and of our topics only: by default a moved leader goes
// unnoticed for six, and all topics of the cluster are asked for.
func (k *Kafka) Transport() *kafka.Transport {
	return &kafka.Transport{
		Dial:        (&net.Dialer{Timeout: dialTimeout}).DialContext,
		DialTimeout: dialTimeout, IdleTimeout: 30 * time.Second,
		MetadataTTL: time.Second, MetadataTopics: k.Topics(),
		ClientID: k.ClientID, TLS: k.TLS, SASL: k.SASL,
	}
}

// Addr is the brokers' address for clients of the library.
// Source reads the topics. end gives its connections back.
func (k *Kafka) Source() (log fetch.Source, end func()) {
	transport := k.Transport()
	client := fetch.New(fetch.Options{Transport: transport, Brokers: k.Addr(), PartitionBytes: k.SetBytes})
	return fetch.Kafka{Client: client}, func() {
		client.Close()
		transport.CloseIdleConnections()
	}
}

func (k *Kafka) Addr() net.Addr { return kafka.TCP(k.Brokers...) }

// newGroup joins the group. Sessions are short, so that a dead member's partitions
// are taken over soon; the rebalance timeout bounds how long the broker waits for a
// member that it still believes in.
func (s *Service) newGroup() (*kafka.ConsumerGroup, error) {
	return kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: s.Group, Brokers: s.Brokers, Topics: s.Events,
		Dialer: &kafka.Dialer{
			ClientID: s.ClientID, Timeout: dialTimeout, DualStack: true, TLS: s.TLS, SASLMechanism: s.SASL,
		},
		GroupBalancers:    s.balancers(),
		HeartbeatInterval: 500 * time.Millisecond, SessionTimeout: 10 * time.Second,
		RebalanceTimeout: rebalanceTimeout, JoinGroupBackoff: 500 * time.Millisecond,
		StartOffset: kafka.FirstOffset, Timeout: groupTimeout,
	})
}

// connect makes the clients; nothing is dialled yet.
func (s *Service) connect() {
	s.transport = s.Transport()
	client := fetch.New(fetch.Options{Transport: s.transport, Brokers: s.Addr(), PartitionBytes: s.SetBytes})
	s.cluster, s.source = client, fetch.Kafka{Client: client}
	s.members = func(ctx context.Context) (census, error) { return takeCensus(ctx, s.transport, &s.Kafka) }
	s.offsets = &coordinator{transport: s.transport, brokers: s.Addr(), group: s.Group}
	s.writer = &outbox.Producer{Client: s.sender(), Topic: s.Crossings}
	// What is refused may be small as it comes and large as it is: a batch of two thousand equal bytes a record takes nothing.
	s.deadWriter = &outbox.Producer{Client: s.sender(), Compression: kafka.Zstd}
}

// sender is a client with connections of its own: who writes waits for no fetch.
func (s *Service) sender() *kafka.Client {
	return &kafka.Client{Addr: s.Addr(), Timeout: outbox.SendTimeout, Transport: s.Transport()}
}

func (s *Service) disconnect() {
	s.cluster.Close()
	for _, t := range []kafka.RoundTripper{s.transport, s.writer.Client.Transport, s.deadWriter.Client.Transport} {
		t.(*kafka.Transport).CloseIdleConnections()
	}
}

// discoverTopics finds the partitions of all topics. It waits for brokers that do not answer, and
// for topics that do not exist yet.
func (s *Service) discoverTopics(ctx context.Context) error {
	s.topics = nil
	for _, topic := range s.Events {
		n, err := s.partitionsOf(ctx, topic)
		if err != nil {
			return err
		}
		for p := range n {
			s.topics = append(s.topics, position.TopicPartition{Topic: topic, Partition: p})
		}
	}
	var err error
	s.outPartitions, err = s.partitionsOf(ctx, s.Crossings)
	return err
}

func (s *Service) partitionsOf(ctx context.Context, topic string) (int, error) {
	var n int
	err := s.untilItWorks(ctx, "kafka and its topics", func() (err error) {
		n, err = s.cluster.Partitions(ctx, topic)
		switch {
		case errors.Is(err, kafka.UnknownTopicOrPartition) || err == nil && n == 0:
			return fmt.Errorf("%s: %w", topic, partition.ErrNoTopic)
		case err == nil:
			return nil
		}
		bad := fmt.Errorf("kafka %s: %w", strings.Join(s.Brokers, ","), explain.Kafka(err))
		if fetch.Refused(err) {
			return &finalError{bad}
		}
		return bad
	})
	return n, err
}

// untilItWorks calls f until it works, saying every ten seconds why it does not.
// The error is ctx's end, or one that f marks as final.
func (s *Service) untilItWorks(ctx context.Context, what string, f func() error) error {
	pause := retry.Backoff{First: 100 * time.Millisecond, Most: 2 * time.Second}
	var quiet retry.Throttle
	for {
		err := f()
		var fatal *finalError
		if err == nil || errors.As(err, &fatal) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if _, ok := quiet.Pass(); ok {
			s.log.Warn("waiting", "for", what, "error", strings.TrimSpace(err.Error()))
		}
		pause.Wait(ctx)
	}
}

// finalError is an error that trying again does not mend.
type finalError struct{ err error }

func (e *finalError) Error() string { return e.err.Error() }
func (e *finalError) Unwrap() error { return e.err }
