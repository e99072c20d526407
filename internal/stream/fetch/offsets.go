package fetch

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/listoffsets"
	"github.com/segmentio/kafka-go/protocol/metadata"
)

// Offsets returns the first offset of a partition, and the last stable offset. The latter is the
// offset after the last record that readers of committed records may see. It retries for
// Options.Patience.
func (c *Client) Offsets(ctx context.Context, topic string, partition int) (start, end int64, err error) {
	got, err := c.listOffsets(ctx, kafka.ReadCommitted, topic, partition, kafka.FirstOffset, kafka.LastOffset)
	if err != nil {
		return 0, 0, err
	}
	return got[0], got[1], nil
}

// OffsetAt returns the first offset whose record has a timestamp of ms (milliseconds, 0 or more) or
// later. Where there is none, it returns the end as by Offsets. With timestamps set by producers,
// records after it may be earlier. It retries for Options.Patience.
func (c *Client) OffsetAt(ctx context.Context, topic string, partition int, ms int64) (int64, error) {
	got, err := c.listOffsets(ctx, kafka.ReadCommitted, topic, partition, max(ms, 0), kafka.LastOffset) // negative times have other meanings
	if err != nil {
		return 0, err
	}
	if got[0] < 0 {
		return got[1], nil
	}
	return got[0], nil
}

// Partitions returns how many partitions a topic has, as the Transport last saw
// it. kafka.UnknownTopicOrPartition is in the chain where it has seen no such topic. It
// retries for Options.Patience.
func (c *Client) Partitions(ctx context.Context, topic string) (int, error) {
	var n int
	err := c.retry(ctx, CallMetadata, func(ctx context.Context) error {
		res, err := c.metadata(ctx, topic)
		if err == nil {
			n, err = len(res.Topics[0].Partitions), topicError(&res.Topics[0])
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("partitions of %s: %w", topic, err)
	}
	return n, nil
}

// retry calls f, each time with a deadline, until it succeeds, its error is
// final or Patience has passed.
func (c *Client) retry(ctx context.Context, call string, f func(context.Context) error) error {
	begin, pause := time.Now(), newBackoff()
	for {
		limit, cancel := context.WithTimeout(ctx, c.opts.Timeout)
		err := f(limit)
		cancel()
		if err != nil && ctx.Err() == nil { // what was given up may fail with any error
			c.opts.Watch.Failed(call, err)
		}
		if err == nil || final(err) || ctx.Err() != nil || time.Since(begin) >= c.opts.Patience {
			return err
		}
		pause.Wait(ctx)
	}
}

// listOffsets returns the offsets at some times.
func (c *Client) listOffsets(ctx context.Context, isolation kafka.IsolationLevel, topic string, partition int, times ...int64) ([]int64, error) {
	offsets := make([]int64, len(times))
	err := c.retry(ctx, CallOffsets, func(ctx context.Context) error {
		for i, t := range times {
			var err error
			if offsets[i], err = c.listOffset(ctx, isolation, topic, partition, t); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("offsets of %s/%d: %w", topic, partition, err)
	}
	return offsets, nil
}

func (c *Client) listOffset(ctx context.Context, isolation kafka.IsolationLevel, topic string, partition int, ms int64) (int64, error) {
	m, err := c.opts.Transport.RoundTrip(ctx, c.opts.Brokers, &listoffsets.Request{
		ReplicaID:      -1,
		IsolationLevel: int8(isolation),
		Topics: []listoffsets.RequestTopic{{
			Topic: topic,
			Partitions: []listoffsets.RequestPartition{{
				Partition: int32(partition), CurrentLeaderEpoch: -1, Timestamp: ms,
			}},
		}},
	})
	if err != nil {
		return 0, err
	}
	c.opts.Watch.Answered(CallOffsets)
	res, ok := m.(*listoffsets.Response)
	if !ok || len(res.Topics) != 1 || len(res.Topics[0].Partitions) != 1 {
		return 0, fmt.Errorf("malformed ListOffsets response %T", m)
	}
	p := res.Topics[0].Partitions[0]
	if p.ErrorCode != 0 {
		return 0, kafka.Error(p.ErrorCode)
	}
	return p.Offset, nil
}

// leaders is a view of the cluster.
type leaders struct {
	res *metadata.Response
}

// leaders returns the Transport's view, which it refreshes every MetadataTTL.
func (c *Client) leaders(ctx context.Context) (leaders, error) {
	limit, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	defer cancel()
	res, err := c.metadata(limit)
	return leaders{res}, err
}

// metadata asks for the topics named, or for all the Transport knows.
func (c *Client) metadata(ctx context.Context, topics ...string) (*metadata.Response, error) {
	m, err := c.opts.Transport.RoundTrip(ctx, c.opts.Brokers, &metadata.Request{TopicNames: topics})
	if err != nil {
		return nil, err
	}
	res, ok := m.(*metadata.Response)
	if !ok || len(res.Topics) < len(topics) {
		return nil, fmt.Errorf("malformed Metadata response %T", m)
	}
	return res, nil
}

// of returns the broker that leads a partition.
func (l leaders) of(topic string, partition int32) (int32, error) {
	i := slices.IndexFunc(l.res.Topics, func(t metadata.ResponseTopic) bool { return t.Name == topic })
	if i < 0 {
		return 0, kafka.UnknownTopicOrPartition
	}
	t := &l.res.Topics[i]
	if err := topicError(t); err != nil {
		return 0, err
	}
	for _, p := range t.Partitions {
		if p.PartitionIndex != partition {
			continue
		}
		if !slices.ContainsFunc(l.res.Brokers, func(b metadata.ResponseBroker) bool { return b.NodeID == p.LeaderID }) {
			return 0, kafka.LeaderNotAvailable
		}
		return p.LeaderID, nil
	}
	return 0, kafka.UnknownTopicOrPartition
}

func topicError(t *metadata.ResponseTopic) error {
	if t.ErrorCode != 0 {
		return kafka.Error(t.ErrorCode)
	}
	return nil
}
