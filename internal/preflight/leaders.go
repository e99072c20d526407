package preflight

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
)

func (k *kafkaCheck) reads(topic string) bool {
	return slices.Contains(k.o.Kafka.Events, topic) || topic == k.o.Kafka.Crossings || topic == k.o.Kafka.Shadow || topic == k.o.Kafka.Canary
}

// writes reports whether the service writes a topic: that of the first events too, if it sends canaries.
func (k *kafkaCheck) writes(topic string) bool {
	return !slices.Contains(k.o.Kafka.Events, topic) || k.o.Kafka.Canary != "" && topic == k.o.Kafka.Events[0]
}

// tryTopic fetches from every leader of a topic that the service reads. Where the service writes,
// it asks every leader to take no record at all. A leader refuses that only once it knows that it
// would take some.
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

// refresh asks again who leads.
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
	req.Acks, req.TimeoutMillis = -1, int32(timeout.Milliseconds())
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
