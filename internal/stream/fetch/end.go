package fetch

import (
	"context"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// LogEnd returns the offset after the last record of a partition. Records that not all replicas
// have yet are included: readers are not shown them, but may be later. It retries for
// Options.Patience.
func (c *Client) LogEnd(ctx context.Context, topic string, partition int) (int64, error) {
	var end int64
	err := c.retry(ctx, CallOffsets, func(ctx context.Context) error {
		l, err := c.leaders(ctx)
		if err != nil {
			return err
		}
		broker, epoch, err := l.epoch(topic, int32(partition))
		if err != nil {
			return err
		}
		q := &endQuestion{topic: topic, partition: int32(partition), epoch: epoch}
		if err := c.ask(ctx, CallOffsets, broker, protocol.OffsetForLeaderEpoch, endVersion, q); err != nil {
			return err
		}
		end = q.end
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("end of the log of %s/%d: %w", topic, partition, err)
	}
	return end, nil
}

// endQuestion asks a leader for the end of the epoch in which it leads, which is
// that of its log: an OffsetForLeaderEpoch request.
type endQuestion struct {
	topic            string
	partition, epoch int32

	end int64
}

// endVersion is the version of OffsetForLeaderEpoch that is sent: the last one
// that is not in the flexible format.
const endVersion = 3

func (q *endQuestion) append(b []byte) []byte {
	b = appendInt32(b, -1) // replica: a consumer
	b = appendInt32(b, 1)  // topics
	b = appendString(b, q.topic)
	b = appendInt32(b, 1) // partitions
	b = appendInt32(b, q.partition)
	b = appendInt32(b, q.epoch)    // as we know it: an answer of another epoch is an error
	return appendInt32(b, q.epoch) // asked for
}

func (q *endQuestion) read(f *frame) error {
	f.int32() // throttle
	if n := f.count(6); n != 1 && f.err == nil {
		f.err = fmt.Errorf("%w: %d topics for one", errFrame, n)
	}
	f.bytes(int(f.int16()))
	if n := f.count(18); n != 1 && f.err == nil {
		f.err = fmt.Errorf("%w: %d partitions for one", errFrame, n)
	}
	code := f.int16()
	f.int32() // partition
	epoch := f.int32()
	q.end = f.int64()
	if f.err == nil && f.left != 0 {
		f.err = fmt.Errorf("%w: %d bytes too many", errFrame, f.left)
	}
	switch {
	case code != 0:
		return kafka.Error(code)
	case epoch != q.epoch || q.end < 0:
		return errEpoch
	}
	return nil
}

var errEpoch = errors.New("the leader answers for another epoch")

// epoch returns the broker that leads a partition, and since which epoch.
func (l leaders) epoch(topic string, partition int32) (broker, epoch int32, err error) {
	if broker, err = l.of(topic, partition); err != nil {
		return 0, 0, err
	}
	for _, t := range l.res.Topics {
		for _, p := range t.Partitions {
			if t.Name == topic && p.PartitionIndex == partition {
				return broker, p.LeaderEpoch, nil
			}
		}
	}
	return 0, 0, kafka.UnknownTopicOrPartition
}
