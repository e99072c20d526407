package fetch

import (
	"context"
	"fmt"
	"slices"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// Ends is where a partition's log begins and ends.
type Ends struct {
	Start int64
	Shown int64 // after what readers of committed records may see: an open transaction holds back what comes after its first record
	End   int64 // after what all replicas have
}

// Ends asks for the ends of a partition's log. It retries for Options.Patience.
func (c *Client) Ends(ctx context.Context, topic string, partition int) (Ends, error) {
	// The end is asked for before what is shown: what comes in between is not held back.
	end, err := c.listOffsets(ctx, kafka.ReadUncommitted, topic, partition, kafka.LastOffset)
	if err != nil {
		return Ends{}, err
	}
	start, shown, err := c.Offsets(ctx, topic, partition)
	return Ends{start, shown, max(end[0], shown)}, err
}

// OpenTransaction is a transaction that has records in a partition.
type OpenTransaction struct {
	Producer int64
	Epoch    int32
	Start    int64 // offset of its first record
}

// OpenTransactions asks the leader of a partition which transactions are open in it, the oldest first. Kafka 2.8 and later
// tell. It retries for Options.Patience.
func (c *Client) OpenTransactions(ctx context.Context, topic string, partition int) ([]OpenTransaction, error) {
	var open []OpenTransaction
	err := c.retry(ctx, CallMetadata, func(ctx context.Context) error {
		l, err := c.leaders(ctx)
		if err != nil {
			return err
		}
		broker, err := l.of(topic, int32(partition))
		if err != nil {
			return err
		}
		q := &producersQuestion{topic: topic, partition: int32(partition)}
		if err := c.ask(ctx, CallMetadata, broker, describeProducers, producersVersion, q); err != nil {
			return err
		}
		open = q.open
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("producers of %s/%d: %w", topic, partition, err)
	}
	slices.SortFunc(open, func(a, b OpenTransaction) int { return int(min(max(a.Start-b.Start, -1), 1)) })
	return open, nil
}

// producersQuestion is a DescribeProducers request for one partition, which the library does not have.
type producersQuestion struct {
	topic     string
	partition int32

	open []OpenTransaction
}

// DescribeProducers, and its only version, which is in the flexible format.
const (
	describeProducers = protocol.ApiKey(61)
	producersVersion  = 0
)

// producerSize is what a producer takes in the response: 36 bytes of numbers, and tags.
const producerSize = 8 + 4 + 4 + 8 + 4 + 8 + 1

func (q *producersQuestion) append(b []byte) []byte {
	b = append(b, 0, 1+1) // no tags; topics
	b = appendCompact(b, q.topic)
	b = append(b, 1+1) // partitions
	b = appendInt32(b, q.partition)
	return append(b, 0, 0) // no tags of the topic, none of the request
}

func (q *producersQuestion) read(f *frame) error {
	f.tags()
	f.int32() // throttle
	if n := f.compact(3); n != 1 && f.err == nil {
		f.err = fmt.Errorf("%w: %d topics for one", errFrame, n)
	}
	f.text()
	if n := f.compact(9); n != 1 && f.err == nil {
		f.err = fmt.Errorf("%w: %d partitions for one", errFrame, n)
	}
	f.int32() // partition
	code := f.int16()
	f.text()
	for range f.compact(producerSize) {
		q.readProducer(f)
	}
	f.skip(max(f.left, 0))
	if code != 0 {
		return kafka.Error(code)
	}
	return nil
}

// readProducer reads one of those that wrote lately, with a transaction or without.
func (q *producersQuestion) readProducer(f *frame) {
	var t OpenTransaction
	t.Producer, t.Epoch = f.int64(), f.int32()
	f.int32() // last sequence
	f.int64() // last timestamp
	f.int32() // epoch of the coordinator
	t.Start = f.int64()
	f.tags()
	if f.err == nil && t.Start >= 0 {
		q.open = append(q.open, t)
	}
}
