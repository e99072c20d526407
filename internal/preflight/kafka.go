package preflight

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/humanize"
)

// kafkaCheck looks at Kafka, by doing what the service will do.
type kafkaCheck struct {
	*report
	o       *Options
	longest time.Duration // window of the rules
	client  *kgo.Client   // of another library: that of the service cannot ask for all of this
	topics  []kmsg.MetadataResponseTopic
}

// checkKafka looks at the brokers, the topics and the group. It returns how many partitions the topic of crossings has; 0: it is not known.
func checkKafka(ctx context.Context, r *report, o *Options) (crossings int) {
	asking, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	brokers, crossings, ok := topicsThere(asking, r, o)
	if !ok {
		return 0
	}
	client, err := newClient(o)
	if err != nil {
		r.warn("kafka: not looked at further: %v", err)
		return crossings
	}
	defer client.Close()
	k := &kafkaCheck{report: r, o: o, longest: longestWindow(o.Packs), client: client}
	if !k.reach(asking, brokers) {
		r.warn("kafka: settings, permissions and group are not looked at before every broker can be reached")
		return crossings
	}
	k.look(asking)
	k.group(ctx)
	return crossings
}

// newClient is a client that can ask for what the library of the service cannot.
func newClient(o *Options) (*kgo.Client, error) {
	opts := []kgo.Opt{kgo.SeedBrokers(o.Kafka.Brokers...), kgo.ClientID(o.Kafka.ClientID), kgo.RetryTimeout(timeout), kgo.DialTimeout(3 * time.Second)}
	if o.Kafka.TLS != nil {
		opts = append(opts, kgo.DialTLSConfig(o.Kafka.TLS))
	}
	switch l := o.Login; l.Mechanism {
	case "plain":
		opts = append(opts, kgo.SASL(plain.Auth{User: l.Username, Pass: l.Password}.AsMechanism()))
	case "scram-sha-256":
		opts = append(opts, kgo.SASL(scram.Auth{User: l.Username, Pass: l.Password}.AsSha256Mechanism()))
	case "scram-sha-512":
		opts = append(opts, kgo.SASL(scram.Auth{User: l.Username, Pass: l.Password}.AsSha512Mechanism()))
	}
	return kgo.NewClient(opts...)
}

// topicsThere asks as the service does at its start which brokers and topics there are, and how many partitions the topic of crossings has.
func topicsThere(ctx context.Context, r *report, o *Options) (brokers []kafka.Broker, crossings int, ok bool) {
	transport := o.Kafka.Transport()
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: o.Kafka.Addr(), Transport: transport, Timeout: timeout}
	res, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: o.Kafka.Topics()})
	if err != nil {
		r.fail("kafka %s: %v", strings.Join(o.Kafka.Brokers, ","), explain.Kafka(err))
		return nil, 0, false
	}
	r.fine("kafka %s: %s", strings.Join(o.Kafka.Brokers, ","), humanize.Count(len(res.Brokers), "broker"))
	for _, t := range res.Topics {
		r.topic(&t)
		if t.Error == nil && t.Name == o.Kafka.Crossings {
			crossings = len(t.Partitions)
		}
	}
	return res.Brokers, crossings, true
}

// topic reports whether a topic is there.
func (r *report) topic(t *kafka.Topic) {
	switch {
	case errors.Is(t.Error, kafka.UnknownTopicOrPartition):
		r.fail("topic %s: does not exist; make it with `aggregator topics`", t.Name)
	case t.Error != nil:
		r.fail("topic %s: %v", t.Name, explain.Kafka(t.Error))
	default:
		r.fine("topic %s: %s", t.Name, humanize.Count(len(t.Partitions), "partition"))
	}
}

// reach connects to every broker by the address that it gives to clients: the brokers of the config only lead there.
func (k *kafkaCheck) reach(ctx context.Context, brokers []kafka.Broker) bool {
	errs := make([]error, len(brokers))
	var asked sync.WaitGroup
	_, _ = kmsg.NewPtrMetadataRequest().RequestWith(ctx, k.client) // the client learns who there is
	for i, b := range brokers {
		asked.Go(func() { _, errs[i] = k.client.Broker(b.ID).Request(ctx, kmsg.NewPtrApiVersionsRequest()) })
	}
	asked.Wait()
	reached := true
	for i, b := range brokers {
		if errs[i] != nil {
			reached = false
			k.fail("kafka: broker %d tells clients to come to %s, where it is not reached from here: %v; let its advertised.listeners name an address that leads to it",
				b.ID, net.JoinHostPort(b.Host, strconv.Itoa(b.Port)), errs[i])
		}
	}
	return reached
}

// look looks at the topics that are there: settings, permissions, and whether their leaders would do what is asked of them.
func (k *kafkaCheck) look(ctx context.Context) {
	var err error
	if k.topics, err = k.metadata(ctx); err != nil {
		k.warn("kafka: topics not looked at: %v", err)
		return
	}
	settings := k.settings(ctx)
	for i := range k.topics {
		t := &k.topics[i]
		if s := settings[*t.Topic]; s != nil {
			k.judge(*t.Topic, s)
			k.judgeReplicas(t, s)
		}
	}
	for i := range k.topics {
		t := &k.topics[i]
		if k.topicPermissions(t) {
			k.tryTopic(ctx, t)
		}
	}
}

// metadata is what the brokers say of the topics that are there.
func (k *kafkaCheck) metadata(ctx context.Context) ([]kmsg.MetadataResponseTopic, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.IncludeTopicAuthorizedOperations = true
	for _, name := range k.o.Kafka.Topics() {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &name
		req.Topics = append(req.Topics, t)
	}
	res, err := req.RequestWith(ctx, k.client)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(res.Topics, func(t kmsg.MetadataResponseTopic) bool { return t.Topic == nil || t.ErrorCode != 0 }), nil // reported already
}
