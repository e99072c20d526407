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
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
)

// Kafka says which brokers, topics and group to use.
type Kafka struct {
	Brokers   []string // host:port
	Group     string
	Events    []string // topics read
	Crossings string   // topic written
	Shadow    string   // topic of the crossings of shadow rules; "": only metrics tell of them
	Canary    string   // topic of the crossings of canaries; "": none are sent
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

// Topics is every topic of the configuration, once: events, their dead letters, crossings, those of shadow rules, those of canaries.
func (k *Kafka) Topics() []string {
	list := slices.Clone(k.Events)
	for _, t := range k.Events {
		if dead := k.DeadTopic(t); !slices.Contains(list, dead) {
			list = append(list, dead)
		}
	}
	list = append(list, k.Crossings)
	for _, t := range []string{k.Shadow, k.Canary} {
		if t != "" {
			list = append(list, t)
		}
	}
	return list
}

// needed are the topics without which the service does not do its work: nothing waits for canaries, nor for what is only tried.
func (k *Kafka) needed() []string {
	return slices.DeleteFunc(k.Topics(), func(topic string) bool { return topic == k.Canary || topic == k.Shadow })
}

const (
	// dialTimeout bounds an attempt to reach a broker.
	dialTimeout = 3 * time.Second
	// rebalanceTimeout is how long the broker waits, at a rebalance, for a member that it still believes in.
	rebalanceTimeout = 5 * time.Second
)

// Transport is a connection pool to the brokers. Its metadata is refreshed every second, and for
// our topics only. By default a moved leader goes unnoticed for six, and all topics of the cluster
// are asked for.
func (k *Kafka) Transport() *kafka.Transport {
	return &kafka.Transport{
		Dial:        (&net.Dialer{Timeout: dialTimeout}).DialContext,
		DialTimeout: dialTimeout, IdleTimeout: 30 * time.Second,
		MetadataTTL: time.Second, MetadataTopics: k.Topics(),
		ClientID: k.ClientID, TLS: k.TLS, SASL: k.SASL,
	}
}

// Source reads the topics. end gives its connections back.
func (k *Kafka) Source() (log fetch.Source, end func()) {
	transport := k.Transport()
	client := fetch.New(fetch.Options{Transport: transport, Brokers: k.Addr(), PartitionBytes: k.SetBytes})
	return fetch.Kafka{Client: client}, func() {
		client.Close()
		transport.CloseIdleConnections()
	}
}

// Producer writes to the topics, for who is not the service. end gives its connections back.
func (k *Kafka) Producer() (w *outbox.Producer, end func()) {
	client := k.sender()
	return &outbox.Producer{Client: client}, client.Transport.(*kafka.Transport).CloseIdleConnections
}

// Addr is the brokers' address for clients of the library.
func (k *Kafka) Addr() net.Addr { return kafka.TCP(k.Brokers...) }

// newGroup joins the group, and offers it balancers. Sessions are short, so that a dead member's
// partitions are taken over soon. The rebalance timeout bounds how long the broker waits for a
// member that it still believes in.
func (k *Kafka) newGroup(balancers []kafka.GroupBalancer) (*kafka.ConsumerGroup, error) {
	return kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: k.Group, Brokers: k.Brokers, Topics: k.Events,
		Dialer:            k.dialer(),
		GroupBalancers:    balancers,
		HeartbeatInterval: 500 * time.Millisecond, SessionTimeout: 10 * time.Second,
		RebalanceTimeout: rebalanceTimeout, JoinGroupBackoff: 500 * time.Millisecond,
		StartOffset: kafka.FirstOffset, Timeout: groupTimeout,
	})
}

// dialer connects to a group's coordinator.
func (k *Kafka) dialer() *kafka.Dialer {
	return &kafka.Dialer{ClientID: k.ClientID, Timeout: dialTimeout, DualStack: true, TLS: k.TLS, SASLMechanism: k.SASL}
}

// clients are the connections of a run to Kafka.
type clients struct {
	cluster    fetch.Cluster // what the brokers know
	source     fetch.Source  // the log
	offsets    groupOffsets
	members    func(ctx context.Context) (census, error) // asks who is in the group
	transport  *kafka.Transport                          // of all these
	writer     *outbox.Producer                          // of crossings
	deadWriter *outbox.Producer                          // of dead letters
	shadow     *outbox.Producer                          // of crossings of shadow rules; nil: none are published
	canary     *outbox.Producer                          // of canaries and their crossings; nil: none are sent
}

// connect makes the clients, which tell how their calls end. Nothing is dialled yet.
func (k *Kafka) connect(watch fetch.Watcher) *clients {
	c := &clients{transport: k.Transport()}
	client := fetch.New(fetch.Options{Transport: c.transport, Brokers: k.Addr(), PartitionBytes: k.SetBytes, Watch: watch})
	c.cluster, c.source = client, fetch.Kafka{Client: client}
	c.members = func(ctx context.Context) (census, error) {
		found, err := takeCensus(ctx, c.transport, k)
		if err != nil {
			watch.Failed(metrics.OperationGroup, err)
		}
		return found, err
	}
	c.offsets = &coordinator{transport: c.transport, brokers: k.Addr(), group: k.Group, watch: watch}
	c.writer = &outbox.Producer{Client: k.sender(), Topic: k.Crossings, Call: metrics.OperationPublish, Watch: watch}
	// What is refused may be small as it comes and large as it is: a batch of two thousand equal bytes a record takes nothing.
	c.deadWriter = &outbox.Producer{Client: k.sender(), Compression: kafka.Zstd, Call: metrics.OperationDeadLetters, Watch: watch}
	if k.Shadow != "" {
		c.shadow = &outbox.Producer{Client: k.sender(), Topic: k.Shadow, Call: metrics.OperationShadow, Watch: watch}
	}
	if k.Canary != "" {
		c.canary = &outbox.Producer{Client: k.sender(), Call: metrics.OperationCanary, Watch: watch}
	}
	return c
}

// sender is a client with connections of its own: who writes waits for no fetch.
func (k *Kafka) sender() *kafka.Client {
	return &kafka.Client{Addr: k.Addr(), Timeout: outbox.SendTimeout, Transport: k.Transport()}
}

func (c *clients) close() {
	c.cluster.Close()
	all := []kafka.RoundTripper{c.transport, c.writer.Client.Transport, c.deadWriter.Client.Transport}
	for _, p := range []*outbox.Producer{c.shadow, c.canary} {
		if p != nil {
			all = append(all, p.Client.Transport)
		}
	}
	for _, t := range all {
		t.(*kafka.Transport).CloseIdleConnections()
	}
}

// partitionsOf is how many partitions a topic has. A topic that does not exist is an error; a refused login is a final one.
func (k *Kafka) partitionsOf(ctx context.Context, cluster fetch.Cluster, topic string) (int, error) {
	n, err := cluster.Partitions(ctx, topic)
	switch {
	case errors.Is(err, kafka.UnknownTopicOrPartition) || err == nil && n == 0:
		return 0, fmt.Errorf("%s: %w", topic, partition.ErrNoTopic)
	case err == nil:
		return n, nil
	}
	bad := fmt.Errorf("kafka %s: %w", strings.Join(k.Brokers, ","), explain.Kafka(err))
	if fetch.Refused(err) {
		return 0, &finalError{bad}
	}
	return 0, bad
}
