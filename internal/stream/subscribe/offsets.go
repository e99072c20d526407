package subscribe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

// Offset is an offset that the group has committed in a partition, and what stands beside it.
type Offset struct {
	Partition int
	At        int64 // -1: none
	Note      string
}

// Member is one of the group, in whose name offsets are committed.
type Member struct {
	Generation int
	ID         string
}

// Nobody commits while the group has no members.
var Nobody = Member{Generation: -1}

// Offsets are the offsets of a group, where Kafka keeps them.
type Offsets interface {
	// Committed are those of partitions, in their order.
	Committed(ctx context.Context, partitions []int) ([]Offset, error)
	Commit(ctx context.Context, as Member, list []Offset) error
}

// KafkaOffsets asks the group's coordinator.
type KafkaOffsets struct {
	Client       *kafka.Client
	Topic, Group string
}

// offsetsTimeout bounds one request.
const offsetsTimeout = 5 * time.Second

// Committed is that of Offsets.
func (o *KafkaOffsets) Committed(ctx context.Context, partitions []int) ([]Offset, error) {
	ctx, cancel := context.WithTimeout(ctx, offsetsTimeout)
	defer cancel()
	res, err := o.Client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: o.Group, Topics: map[string][]int{o.Topic: partitions}})
	if err == nil && res.Error != nil && !errors.Is(res.Error, kafka.GroupIdNotFound) { // as some brokers say of a group that has nothing yet
		err = res.Error
	}
	if err != nil {
		return nil, fmt.Errorf("offsets of group %s: %w", o.Group, err)
	}
	told := map[int]kafka.OffsetFetchPartition{}
	for _, p := range res.Topics[o.Topic] {
		told[p.Partition] = p
	}
	list := make([]Offset, len(partitions))
	for i, id := range partitions {
		p, known := told[id]
		switch {
		case !known && res.Error == nil:
			return nil, fmt.Errorf("offset of group %s in %s/%d: the broker does not tell it", o.Group, o.Topic, id)
		case known && p.Error != nil && res.Error == nil:
			return nil, fmt.Errorf("offset of group %s in %s/%d: %w", o.Group, o.Topic, id, p.Error)
		case !known || p.CommittedOffset < 0 || res.Error != nil:
			list[i] = Offset{id, -1, ""}
		default:
			list[i] = Offset{id, p.CommittedOffset, p.Metadata}
		}
	}
	return list, nil
}

// Commit is that of Offsets.
func (o *KafkaOffsets) Commit(ctx context.Context, as Member, list []Offset) error {
	ctx, cancel := context.WithTimeout(ctx, offsetsTimeout)
	defer cancel()
	req := &kafka.OffsetCommitRequest{GroupID: o.Group, GenerationID: as.Generation, MemberID: as.ID, Topics: map[string][]kafka.OffsetCommit{}}
	for _, x := range list {
		req.Topics[o.Topic] = append(req.Topics[o.Topic], kafka.OffsetCommit{Partition: x.Partition, Offset: x.At, Metadata: x.Note})
	}
	res, err := o.Client.OffsetCommit(ctx, req)
	if err != nil {
		return fmt.Errorf("commit offsets of group %s: %w", o.Group, err)
	}
	for _, p := range res.Topics[o.Topic] {
		if p.Error != nil {
			return fmt.Errorf("commit offset of group %s in %s/%d: %w", o.Group, o.Topic, p.Partition, p.Error)
		}
	}
	return nil
}

// Stay tells the coordinator that a member is there.
func (o *KafkaOffsets) Stay(ctx context.Context, as Member) error {
	ctx, cancel := context.WithTimeout(ctx, offsetsTimeout)
	defer cancel()
	res, err := o.Client.Heartbeat(ctx, &kafka.HeartbeatRequest{GroupID: o.Group, GenerationID: int32(as.Generation), MemberID: as.ID})
	if err == nil {
		err = res.Error
	}
	if err != nil {
		return fmt.Errorf("heartbeat of group %s: %w", o.Group, err)
	}
	return nil
}
