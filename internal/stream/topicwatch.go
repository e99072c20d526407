package stream

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/segmentio/kafka-go"
)

// The library can look for new partitions, but each member does so from the count on that it finds when its generation
// begins: partitions that are made after the leader gave out what it knew of, and before that, nobody would read
// until the group is next balanced. So each process compares with what it knows itself, and
// the leader with what it gave out.

// partitionCounts are numbers of partitions, by topic.
type partitionCounts map[string]int

// countingBalancer is a balancer that notes how many partitions were given out. Only
// the leader of the group is asked to.
type countingBalancer struct {
	kafka.GroupBalancer
	given *atomic.Pointer[partitionCounts]
	store string // see kinOf
}

// AssignGroups gives the partitions to the members.
func (b countingBalancer) AssignGroups(members []kafka.GroupMember, partitions []kafka.Partition) kafka.GroupMemberAssignments {
	counts := partitionCounts{}
	for _, p := range partitions {
		counts[p.Topic]++
	}
	b.given.Store(&counts)
	return b.GroupBalancer.AssignGroups(members, partitions)
}

// balancers are those that the process offers the group.
func (s *Service) balancers() []kafka.GroupBalancer {
	return []kafka.GroupBalancer{
		countingBalancer{kafka.RangeGroupBalancer{}, &s.given, s.storeName}, countingBalancer{kafka.RoundRobinGroupBalancer{}, &s.given, s.storeName},
	}
}

// watchTopics makes Run begin again when a topic has more partitions than the process
// knows of, or gave out, and ends it when a topic is no longer the one that it was.
func (g *generation) watchTopics(ctx context.Context) {
	s := g.service
	known := partitionCounts{}
	for _, t := range s.topics {
		known[t.Topic]++
	}
	for _, topic := range s.Events {
		found, err := s.cluster.Topic(ctx, topic)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !errors.Is(err, kafka.UnknownTopicOrPartition):
			s.log.Debug("topic not looked at", "topic", topic, "error", err)
		case err != nil:
		case s.otherTopic(topic, found.ID):
			s.restart(&finalError{fmt.Errorf("topic %s: %w", topic, errOtherTopic)})
		case found.Partitions > known[topic] || g.given != nil && found.Partitions > (*g.given)[topic]:
			s.log.Warn("partition is new: starting again with it", "topic", topic, "partition", found.Partitions-1)
			s.grown()
			return
		}
	}
}
