package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/humanize"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
)

// kafkaCheck looks at Kafka, by doing what the service will do.
type kafkaCheck struct {
	*findings
	c       *config
	longest time.Duration // window of the rules loaded
	client  *kgo.Client   // of another library: that of the service cannot ask for all of this
	topics  []kmsg.MetadataResponseTopic
}

// kafka looks at the brokers, the topics and the group.
func (f *findings) kafka(ctx context.Context, c *config, longest time.Duration) {
	asking, cancel := context.WithTimeout(ctx, liveTimeout)
	defer cancel()
	brokers, ok := f.topicsThere(asking, c)
	if !ok {
		return
	}
	client, err := c.askingClient()
	if err != nil {
		f.warn("kafka: not looked at further: %v", err)
		return
	}
	defer client.Close()
	k := &kafkaCheck{findings: f, c: c, longest: longest, client: client}
	if !k.reach(asking, brokers) {
		f.warn("kafka: settings, permissions and group are not looked at before every broker can be reached")
		return
	}
	k.look(asking)
	k.group(ctx)
}

// topicsThere asks as the service does at its start which brokers and topics there are.
func (f *findings) topicsThere(ctx context.Context, c *config) ([]kafka.Broker, bool) {
	transport := c.kafka.Transport()
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: c.kafka.Addr(), Transport: transport, Timeout: liveTimeout}
	res, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: topicNames(&c.kafka)})
	if err != nil {
		f.fail("kafka %s: %v", strings.Join(c.kafka.Brokers, ","), explain.Kafka(err))
		return nil, false
	}
	f.fine("kafka %s: %s", strings.Join(c.kafka.Brokers, ","), humanize.Count(len(res.Brokers), "broker"))
	for _, t := range res.Topics {
		f.topic(&t)
	}
	return res.Brokers, true
}

// topic says whether a topic is there.
func (f *findings) topic(t *kafka.Topic) {
	switch {
	case errors.Is(t.Error, kafka.UnknownTopicOrPartition):
		f.fail("topic %s: does not exist; make it with `aggregator topics`", t.Name)
	case t.Error != nil:
		f.fail("topic %s: %v", t.Name, explain.Kafka(t.Error))
	default:
		f.fine("topic %s: %s", t.Name, humanize.Count(len(t.Partitions), "partition"))
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
	for _, name := range topicNames(&k.c.kafka) {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &name
		req.Topics = append(req.Topics, t)
	}
	res, err := req.RequestWith(ctx, k.client)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(res.Topics, func(t kmsg.MetadataResponseTopic) bool { return t.Topic == nil || t.ErrorCode != 0 }), nil // said already
}

func (k *kafkaCheck) reads(topic string) bool {
	return slices.Contains(k.c.kafka.Events, topic) || topic == k.c.kafka.Crossings
}

func (k *kafkaCheck) writes(topic string) bool { return !slices.Contains(k.c.kafka.Events, topic) }

// tryTopic fetches from every leader of a topic that the service reads, and asks every leader of one that it writes to take
// no record at all, which it refuses only once it knows that it would take some.
func (k *kafkaCheck) tryTopic(ctx context.Context, t *kmsg.MetadataResponseTopic) {
	if k.reads(*t.Topic) {
		k.tryAll(ctx, t, "read", k.fetch)
	}
	if k.writes(*t.Topic) {
		k.tryAll(ctx, t, "write", k.produce)
	}
}

// attempt asks a broker for partitions of a topic, and returns their errors.
type attempt func(ctx context.Context, broker int32, t *kmsg.MetadataResponseTopic, partitions []int32) (map[int32]int16, error)

// leadersSettle is how long leaders may be on the move, as after a topic was made.
const leadersSettle = 5 * time.Second

// tryAll makes an attempt at every leader, and says how it went.
func (k *kafkaCheck) tryAll(ctx context.Context, t *kmsg.MetadataResponseTopic, what string, f attempt) {
	var bad map[string][]string
	for until := time.Now().Add(leadersSettle); ; {
		var passing bool
		bad, passing = k.tryEach(ctx, t, f)
		if !passing || time.Now().After(until) || ctx.Err() != nil {
			break
		}
		retry.Wait(ctx, 250*time.Millisecond)
		k.refresh(ctx, t)
	}
	if len(bad) == 0 {
		k.fine("topic %s: the leaders of all partitions let us %s (%d)", *t.Topic, what, len(t.Partitions))
	}
	for _, why := range slices.Sorted(maps.Keys(bad)) {
		k.fail("topic %s: cannot %s partition %s: %s", *t.Topic, what, strings.Join(bad[why], ", "), why)
	}
}

// refresh asks anew who leads.
func (k *kafkaCheck) refresh(ctx context.Context, t *kmsg.MetadataResponseTopic) {
	topics, err := k.metadata(ctx)
	if i := slices.IndexFunc(topics, func(other kmsg.MetadataResponseTopic) bool { return *other.Topic == *t.Topic }); err == nil && i >= 0 {
		*t = topics[i]
	}
}

// tryEach makes an attempt once, and returns the partitions for which it failed, by why; and whether all of it may pass.
func (k *kafkaCheck) tryEach(ctx context.Context, t *kmsg.MetadataResponseTopic, f attempt) (bad map[string][]string, passing bool) {
	led := map[int32][]int32{}
	for _, p := range t.Partitions {
		led[p.Leader] = append(led[p.Leader], p.Partition)
	}
	bad = map[string][]string{}
	passing = true
	for broker, partitions := range led {
		var codes map[int32]int16
		err := error(kerr.LeaderNotAvailable)
		if broker >= 0 {
			codes, err = f(ctx, broker, t, partitions)
		}
		for _, p := range partitions {
			failure := err
			if code, answered := codes[p]; failure == nil && answered {
				failure = kerr.ErrorForCode(code)
			} else if failure == nil {
				failure = errors.New("the broker does not answer for it")
			}
			if failure != nil {
				bad[failure.Error()] = append(bad[failure.Error()], strconv.Itoa(int(p)))
				passing = passing && kerr.IsRetriable(failure)
			}
		}
	}
	return bad, passing && len(bad) > 0
}

// fetch asks for one batch.
func (k *kafkaCheck) fetch(ctx context.Context, broker int32, t *kmsg.MetadataResponseTopic, partitions []int32) (map[int32]int16, error) {
	req := kmsg.NewPtrFetchRequest()
	req.ReplicaID, req.MaxBytes, req.MaxWaitMillis, req.IsolationLevel, req.SessionEpoch = -1, 1, 0, 1, -1
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic, rt.TopicID = *t.Topic, t.TopicID
	for _, p := range partitions {
		rp := kmsg.NewFetchRequestTopicPartition()
		rp.Partition, rp.PartitionMaxBytes, rp.CurrentLeaderEpoch = p, 1, -1
		rt.Partitions = append(rt.Partitions, rp)
	}
	req.Topics = append(req.Topics, rt)
	res, err := k.client.Broker(int(broker)).Request(ctx, req)
	if err != nil {
		return nil, err
	}
	fetched := res.(*kmsg.FetchResponse)
	if err := kerr.ErrorForCode(fetched.ErrorCode); err != nil {
		return nil, err
	}
	codes := map[int32]int16{}
	for _, rt := range fetched.Topics {
		for _, rp := range rt.Partitions {
			codes[rp.Partition] = rp.ErrorCode
			if rp.ErrorCode == kerr.OffsetOutOfRange.Code { // the log no longer holds its first record: the leader said so
				codes[rp.Partition] = 0
			}
		}
	}
	return codes, nil
}

// produce asks to write nothing. A leader that could write says that a record is missing.
func (k *kafkaCheck) produce(ctx context.Context, broker int32, t *kmsg.MetadataResponseTopic, partitions []int32) (map[int32]int16, error) {
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, int32(liveTimeout.Milliseconds())
	rt := kmsg.NewProduceRequestTopic()
	rt.Topic, rt.TopicID = *t.Topic, t.TopicID
	for _, p := range partitions {
		rp := kmsg.NewProduceRequestTopicPartition()
		rp.Partition, rp.Records = p, []byte{}
		rt.Partitions = append(rt.Partitions, rp)
	}
	req.Topics = append(req.Topics, rt)
	res, err := k.client.Broker(int(broker)).Request(ctx, req)
	if err != nil {
		return nil, err
	}
	codes := map[int32]int16{}
	for _, rt := range res.(*kmsg.ProduceResponse).Topics {
		for _, rp := range rt.Partitions {
			codes[rp.Partition] = rp.ErrorCode
			switch rp.ErrorCode {
			case kerr.InvalidRecord.Code, kerr.CorruptMessage.Code, kerr.InvalidRequest.Code:
				codes[rp.Partition] = 0
			}
		}
	}
	return codes, nil
}

// group joins the group and leaves it again, if nobody is in it: that tells more than rights do. Members are not disturbed.
func (k *kafkaCheck) group(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, liveTimeout)
	defer cancel()
	name := k.c.kafka.Group
	free, ok := k.groupPermissions(ctx)
	if !ok || !free {
		return
	}
	if err := k.joinAndLeave(ctx); err != nil {
		k.fail("group %s: not joined: %v", name, err)
		return
	}
	k.fine("group %s: joined and left again", name)
}

// joinAndLeave offers what the service offers, so that a process that joins meanwhile meets nothing strange.
func (k *kafkaCheck) joinAndLeave(ctx context.Context) error {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.ProtocolType = k.c.kafka.Group, "consumer"
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = 10_000, 5_000
	meta := kmsg.NewConsumerMemberMetadata()
	meta.Topics = k.c.kafka.Events
	for _, balancer := range []string{"range", "roundrobin"} {
		p := kmsg.NewJoinGroupRequestProtocol()
		p.Name, p.Metadata = balancer, meta.AppendTo(nil)
		req.Protocols = append(req.Protocols, p)
	}
	for {
		res, err := req.RequestWith(ctx, k.client)
		if err != nil {
			return err
		}
		if res.MemberID != "" {
			req.MemberID = res.MemberID
		}
		err = kerr.ErrorForCode(res.ErrorCode)
		switch {
		case errors.Is(err, kerr.MemberIDRequired): // which it has got now
			continue
		case err != nil && retriable(res.ErrorCode) == nil:
			return err
		case err == nil:
			return k.leave(ctx, req.MemberID)
		}
		if retry.Wait(ctx, 250*time.Millisecond); ctx.Err() != nil {
			return err
		}
	}
}

func (k *kafkaCheck) leave(ctx context.Context, member string) error {
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group, req.MemberID = k.c.kafka.Group, member
	m := kmsg.NewLeaveGroupRequestMember()
	m.MemberID = member
	req.Members = append(req.Members, m)
	res, err := req.RequestWith(ctx, k.client)
	if err == nil {
		err = kerr.ErrorForCode(res.ErrorCode)
	}
	if err != nil {
		return fmt.Errorf("left: %w", err)
	}
	return nil
}
