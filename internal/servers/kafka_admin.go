package servers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Configure sets settings of a topic, as "retention.ms": "1000". An empty value
// takes the setting away.
func (k *KafkaServer) Configure(topic string, config map[string]string) {
	k.tb.Helper()
	request := kmsg.NewPtrIncrementalAlterConfigsRequest()
	resource := kmsg.NewIncrementalAlterConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeTopic, topic
	for _, name := range slices.Sorted(maps.Keys(config)) {
		value := config[name]
		setting := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		setting.Name, setting.Value = name, &value
		if value == "" {
			setting.Op = kmsg.IncrementalAlterConfigOpDelete
		}
		resource.Configs = append(resource.Configs, setting)
	}
	request.Resources = append(request.Resources, resource)
	k.ask("configure topic "+topic, func(ctx context.Context, client *kgo.Client) error {
		reply, err := request.RequestWith(ctx, client)
		if err != nil {
			return err
		}
		return topicError(reply.Resources[0].ErrorCode, reply.Resources[0].ErrorMessage)
	})
}

// DeleteRecords deletes what a topic holds below an offset of each partition, as
// retention does.
func (k *KafkaServer) DeleteRecords(topic string, below map[int32]int64) {
	k.tb.Helper()
	request := kmsg.NewPtrDeleteRecordsRequest()
	request.TimeoutMillis = 5_000
	t := kmsg.NewDeleteRecordsRequestTopic()
	t.Topic = topic
	for _, p := range slices.Sorted(maps.Keys(below)) {
		x := kmsg.NewDeleteRecordsRequestTopicPartition()
		x.Partition, x.Offset = p, below[p]
		t.Partitions = append(t.Partitions, x)
	}
	request.Topics = append(request.Topics, t)
	k.ask("delete records of "+topic, func(ctx context.Context, client *kgo.Client) error {
		for {
			// A broker that does not do it at once, as one that is short of CPU, may not look again by itself.
			err := deleteRecords(ctx, client, request)
			if !errors.Is(err, kerr.RequestTimedOut) {
				return err
			}
		}
	})
}

func deleteRecords(ctx context.Context, client *kgo.Client, request *kmsg.DeleteRecordsRequest) error {
	reply, err := request.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	for _, t := range reply.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return fmt.Errorf("partition %d: %w", p.Partition, err)
			}
		}
	}
	return nil
}

// ElectLeaders gives every partition back to its first replica. It returns how
// many leaders changed.
func (k *KafkaServer) ElectLeaders() (moved int) {
	k.tb.Helper()
	request := kmsg.NewPtrElectLeadersRequest()
	request.TimeoutMillis = int32(requestLimit.Milliseconds())
	k.ask("elect leaders", func(ctx context.Context, client *kgo.Client) error {
		reply, err := request.RequestWith(ctx, client)
		if err != nil {
			return err
		}
		for _, t := range reply.Topics {
			for _, p := range t.Partitions {
				if p.ErrorCode == 0 {
					moved++
				}
			}
		}
		return nil
	})
	return moved
}

// RemoveMembers takes the members of a group away that have one of some client
// ids, as their session's end would. It returns how many there were.
func (k *KafkaServer) RemoveMembers(group string, clients ...string) (removed int) {
	k.tb.Helper()
	k.ask("remove members of "+group, func(ctx context.Context, client *kgo.Client) error {
		members, err := membersOf(ctx, client, group, clients)
		if err != nil {
			return err
		}
		for _, m := range members {
			if err := leave(ctx, client, group, m); err != nil {
				return err
			}
			removed++
		}
		return nil
	})
	return removed
}

func membersOf(ctx context.Context, client *kgo.Client, group string, clients []string) (members []string, err error) {
	request := kmsg.NewPtrDescribeGroupsRequest()
	request.Groups = []string{group}
	reply, err := request.RequestWith(ctx, client)
	if err != nil {
		return nil, err
	}
	for _, m := range reply.Groups[0].Members {
		if slices.Contains(clients, m.ClientID) {
			members = append(members, m.MemberID)
		}
	}
	return members, nil
}

func leave(ctx context.Context, client *kgo.Client, group, member string) error {
	request := kmsg.NewPtrLeaveGroupRequest()
	request.Group, request.MemberID = group, member
	m := kmsg.NewLeaveGroupRequestMember()
	m.MemberID = member
	request.Members = append(request.Members, m)
	reply, err := request.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	for _, m := range reply.Members {
		err = errors.Join(err, kerr.ErrorForCode(m.ErrorCode))
	}
	if err = errors.Join(err, kerr.ErrorForCode(reply.ErrorCode)); errors.Is(err, kerr.UnknownMemberID) {
		return nil // its session ended this moment
	}
	return err
}
