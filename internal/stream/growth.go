package stream

import (
	"context"
	"sync/atomic"

	"github.com/segmentio/kafka-go"
)

// The library's members look for new partitions too, but from the count on that each finds when its generation
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
		countingBalancer{kafka.RangeGroupBalancer{}, &s.given}, countingBalancer{kafka.RoundRobinGroupBalancer{}, &s.given},
	}
}

// watchGrowth makes Run begin again when a topic has more partitions than the process
// knows of, or gave out.
func (g *generation) watchGrowth(ctx context.Context) {
	s := g.service
	known := partitionCounts{}
	for _, t := range s.topics {
		known[t.topic]++
	}
	for _, topic := range s.Events {
		n, err := s.fetch.Partitions(ctx, topic)
		if err != nil || ctx.Err() != nil {
			continue
		}
		if n > known[topic] || g.given != nil && n > (*g.given)[topic] {
			s.log.Warn("partition is new: starting again with it", "topic", topic, "partition", n-1)
			s.grown()
			return
		}
	}
}
