package stream

import (
	"strings"
	"sync/atomic"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
)

// A member of a Kafka group offers balancers by name, and gives each of them bytes (user data) that all members see.
// That is all that members can tell each other: what they read (the name), and of which kind and store they are (the data).

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

// balancers are those that a process with a store offers the group. They note in given what they give out.
func balancers(given *atomic.Pointer[partitionCounts], store string) []kafka.GroupBalancer {
	ranges := countingBalancer{kafka.RangeGroupBalancer{}, given, store}
	return []kafka.GroupBalancer{
		formatBalancer{ranges, canariesRead},
		formatBalancer{ranges, headersRead},
		ranges,
		countingBalancer{kafka.RoundRobinGroupBalancer{}, given, store},
	}
}

// UserData is kafka.GroupBalancer's.
func (b countingBalancer) UserData() ([]byte, error) { return kinOf(b.store), nil }

// Protocols are the names of the balancers that a process offers the group, the best one first.
func Protocols() (names []string) {
	for _, b := range balancers(nil, "") {
		names = append(names, b.ProtocolName())
	}
	return names
}

// formatBalancer is a balancer whose name tells which entries of the outbox the member reads.
type formatBalancer struct {
	countingBalancer
	name string
}

var _ kafka.GroupBalancer = formatBalancer{}

const (
	headersRead  = "aggregator-outbox-1"
	canariesRead = "aggregator-outbox-2"
)

// formatsRead is what a member reads beside the oldest format, by the name.
var formatsRead = map[string]outbox.Formats{headersRead: {Header: true}, canariesRead: {Header: true, Canary: true}}

// ProtocolName is kafka.GroupBalancer's.
func (b formatBalancer) ProtocolName() string { return b.name }

// kin is what members of a group tell each other in their user data, so that a process knows its own kind. A member
// that does not tell it is another program that was given the group: what it holds nobody counts.
const kin = "aggregator"

// kinOf is what a member with a store says in its user data.
func kinOf(store string) []byte { return []byte(kin + " store=" + store) }

// parseKin is the opposite. The store is "" where the member says nothing of it.
func parseKin(data string) (store string, ours bool) {
	rest, ours := strings.CutPrefix(data, kin)
	store, named := strings.CutPrefix(rest, " store=")
	if rest != "" && !named {
		return "", false
	}
	return store, ours
}
