package stream

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/offsetcommit"
	"github.com/segmentio/kafka-go/protocol/offsetfetch"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
)

// groupOffset is the offset of a partition that the group has committed, and what stands beside it.
type groupOffset struct {
	position.TopicPartition
	offset   int64 // -1: none
	metadata string
}

// groupMember is in whose name offsets are committed.
type groupMember struct {
	generation int32 // -1: nobody's, which the group takes while it has no members
	id         string
}

var nobody = groupMember{generation: -1}

// groupOffsets are the offsets of the group, where Kafka keeps them.
type groupOffsets interface {
	// committed are those of partitions, in their order.
	committed(ctx context.Context, of []position.TopicPartition) ([]groupOffset, error)
	// commit replaces some. An error leaves open which were.
	commit(ctx context.Context, as groupMember, offsets []groupOffset) error
}

// coordinator is the broker that keeps the group. The library's own commits leave out the metadata, and erase it so.
type coordinator struct {
	transport kafka.RoundTripper
	brokers   net.Addr
	group     string
	watch     fetch.Watcher
}

// coordinatorTimeout bounds one request to it.
const coordinatorTimeout = 5 * time.Second

func (c *coordinator) committed(ctx context.Context, of []position.TopicPartition) ([]groupOffset, error) {
	req := &offsetfetch.Request{GroupID: c.group}
	for topic, partitions := range byTopic(of) {
		t := offsetfetch.RequestTopic{Name: topic}
		for _, i := range partitions {
			t.PartitionIndexes = append(t.PartitionIndexes, int32(of[i].Partition))
		}
		req.Topics = append(req.Topics, t)
	}
	ctx, cancel := context.WithTimeout(ctx, coordinatorTimeout)
	defer cancel()
	m, err := c.transport.RoundTrip(ctx, c.brokers, req)
	if err != nil {
		return nil, c.failed(metrics.OperationGroup, fmt.Errorf("offsets of group %s: %w", c.group, err))
	}
	c.watch.Answered(metrics.OperationGroup)
	list, err := c.read(m.(*offsetfetch.Response), of)
	return list, c.failed(metrics.OperationGroup, err)
}

// failed tells of a failed call.
func (c *coordinator) failed(operation string, err error) error {
	if err != nil {
		c.watch.Failed(operation, err)
	}
	return err
}

// read takes the offsets of partitions from an answer.
func (c *coordinator) read(res *offsetfetch.Response, of []position.TopicPartition) ([]groupOffset, error) {
	known := kafka.Error(res.ErrorCode) != kafka.GroupIdNotFound // as some brokers say of a group that has nothing yet
	if known && res.ErrorCode != 0 {
		return nil, fmt.Errorf("offsets of group %s: %w", c.group, kafka.Error(res.ErrorCode))
	}
	got := map[position.TopicPartition]groupOffset{}
	for _, t := range res.Topics {
		for _, p := range t.Partitions {
			at := position.TopicPartition{Topic: t.Name, Partition: int(p.PartitionIndex)}
			if known && p.ErrorCode != 0 {
				return nil, fmt.Errorf("offset of group %s in %v: %w", c.group, at, kafka.Error(p.ErrorCode))
			}
			got[at] = groupOffset{at, committedOffset(p.CommittedOffset), p.Metadata}
		}
	}
	list := make([]groupOffset, len(of))
	for i, at := range of {
		list[i] = groupOffset{at, -1, ""}
		if g, ok := got[at]; ok && known {
			list[i] = g
		} else if known {
			return nil, fmt.Errorf("offset of group %s in %v: the broker does not tell it", c.group, at)
		}
	}
	return list, nil
}

func (c *coordinator) commit(ctx context.Context, as groupMember, offsets []groupOffset) error {
	req := &offsetcommit.Request{GroupID: c.group, GenerationID: as.generation, MemberID: as.id}
	places := make([]position.TopicPartition, len(offsets))
	for i := range offsets {
		places[i] = offsets[i].TopicPartition
	}
	for topic, partitions := range byTopic(places) {
		t := offsetcommit.RequestTopic{Name: topic}
		for _, i := range partitions {
			t.Partitions = append(t.Partitions, offsetcommit.RequestPartition{
				PartitionIndex: int32(offsets[i].Partition), CommittedOffset: offsets[i].offset, CommittedMetadata: offsets[i].metadata,
				CommittedLeaderEpoch: -1, CommitTimestamp: time.Now().UnixMilli(),
			})
		}
		req.Topics = append(req.Topics, t)
	}
	ctx, cancel := context.WithTimeout(ctx, coordinatorTimeout)
	defer cancel()
	m, err := c.transport.RoundTrip(ctx, c.brokers, req)
	if err != nil {
		return c.failed(metrics.OperationOffsets, fmt.Errorf("commit offsets of group %s: %w", c.group, err))
	}
	c.watch.Answered(metrics.OperationOffsets)
	for _, t := range m.(*offsetcommit.Response).Topics {
		for _, p := range t.Partitions {
			if p.ErrorCode != 0 {
				err := fmt.Errorf("commit offset of group %s in %s/%d: %w", c.group, t.Name, p.PartitionIndex, kafka.Error(p.ErrorCode))
				return c.failed(metrics.OperationOffsets, err)
			}
		}
	}
	return nil
}

// byTopic are the places of partitions in a list, by topic.
func byTopic(list []position.TopicPartition) map[string][]int {
	out := map[string][]int{}
	for i, t := range list {
		out[t.Topic] = append(out[t.Topic], i)
	}
	return out
}

// notEmpty reports whether a commit in nobody's name was refused because the group has members.
func notEmpty(err error) bool {
	return errors.Is(err, kafka.UnknownMemberId) || errors.Is(err, kafka.IllegalGeneration) || errors.Is(err, kafka.RebalanceInProgress)
}

// A note says in the metadata of a committed offset where the group began to count the partition. Kafka keeps it when
// Redis has lost everything, and a recount begins there. It names the topic's id: tools that copy the offsets of
// a group to another cluster copy it along.
const noteStart = "aggregator begin="

func note(begin int64, id fetch.TopicID) string {
	s := noteStart + strconv.FormatInt(begin, 10)
	if id != (fetch.TopicID{}) {
		s += " topic=" + hex.EncodeToString(id[:])
	}
	return s
}

// parseNote is the opposite; false: it is no note, or one of another topic.
func parseNote(metadata string, id fetch.TopicID) (begin int64, ok bool) {
	rest, ok := strings.CutPrefix(metadata, noteStart)
	if !ok {
		return 0, false
	}
	number, topic, named := strings.Cut(rest, " topic=")
	if named && id != (fetch.TopicID{}) && topic != hex.EncodeToString(id[:]) {
		return 0, false
	}
	begin, err := strconv.ParseInt(number, 10, 64)
	return begin, err == nil && begin >= 0
}
