package stream

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/describegroups"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
)

// peer is a member of the group, as the coordinator describes it.
type peer struct {
	client, host string
	ours         bool
	store        string                    // that it counts into; "": it does not say
	held         []position.TopicPartition // of the events' topics
}

func (p *peer) String() string {
	held := make([]string, len(p.held))
	for i, t := range p.held {
		held[i] = fmt.Sprintf("%s/%d", t.Topic, t.Partition)
	}
	return fmt.Sprintf("%q at %s with %s", p.client, p.host, cmp.Or(strings.Join(held, ", "), "no partition of the events"))
}

// census is who is in the group.
type census struct {
	protocol string // the name of the balancer that the group took
	settled  bool   // every member has been told what it holds
	hidden   bool   // the brokers do not say: the group speaks the new protocol of consumers, as no aggregator does
	peers    []peer
}

// strangers are the members that are no aggregators.
func (c *census) strangers() (list []peer) {
	for _, p := range c.peers {
		if !p.ours {
			list = append(list, p)
		}
	}
	return list
}

func namesOf(peers []peer) string {
	names := make([]string, len(peers))
	for i := range peers {
		names[i] = peers[i].String()
	}
	return strings.Join(names, "; ")
}

// Strangers are the members of the group that are no aggregators. For each it says where the member
// runs and which partitions of the events it has: these nobody counts.
func Strangers(ctx context.Context, k *Kafka) (list []string, err error) {
	transport := k.Transport()
	defer transport.CloseIdleConnections()
	c, err := takeCensus(ctx, transport, k)
	if err != nil {
		return nil, explain.Kafka(err)
	}
	for _, p := range c.strangers() {
		list = append(list, p.String())
	}
	return list, nil
}

// takeCensus asks who is in the group.
func takeCensus(ctx context.Context, transport kafka.RoundTripper, k *Kafka) (census, error) {
	ctx, cancel := context.WithTimeout(ctx, coordinatorTimeout)
	defer cancel()
	m, err := transport.RoundTrip(ctx, k.Addr(), &describegroups.Request{Groups: []string{k.Group}})
	if err != nil {
		return census{}, fmt.Errorf("describe group %s: %w", k.Group, err)
	}
	groups := m.(*describegroups.Response).Groups
	if len(groups) != 1 {
		return census{}, fmt.Errorf("describe group %s: %d answers", k.Group, len(groups))
	}
	g := &groups[0]
	if g.ErrorCode != 0 {
		return census{}, fmt.Errorf("describe group %s: %w", k.Group, kafka.Error(g.ErrorCode))
	}
	c := census{protocol: g.ProtocolData, settled: g.GroupState == "Stable", hidden: g.GroupState == "Dead"}
	for i := range g.Members {
		c.peers = append(c.peers, newPeer(&g.Members[i], g.ProtocolType, k))
	}
	return c, nil
}

func newPeer(m *describegroups.ResponseGroupMember, protocol string, k *Kafka) peer {
	p := peer{client: m.ClientID, host: strings.TrimPrefix(m.ClientHost, "/")}
	if protocol != "consumer" {
		return p
	}
	metadata := memberReader{m.MemberMetadata}
	metadata.number(2) // version
	for range metadata.count(4) {
		metadata.text()
	}
	data := metadata.bytes(4)
	// Versions that told nothing are known by their client id.
	p.store, p.ours = parseKin(data)
	p.ours = p.ours || data == "" && m.ClientID == k.ClientID
	assignment := memberReader{m.MemberAssignment}
	assignment.number(2) // version
	for range assignment.count(4) {
		topic := assignment.text()
		for range assignment.count(4) {
			if n := assignment.number(4); slices.Contains(k.Events, topic) {
				p.held = append(p.held, position.TopicPartition{Topic: topic, Partition: n})
			}
		}
	}
	return p
}

// memberReader reads what consumers tell each other: numbers, texts and bytes with their lengths in front. What is cut short
// reads as 0 and as nothing: other programs may write anything.
type memberReader struct{ rest []byte }

func (r *memberReader) number(size int) int {
	if len(r.rest) < size {
		r.rest = nil
		return 0
	}
	var n int
	if size == 2 {
		n = int(int16(binary.BigEndian.Uint16(r.rest)))
	} else {
		n = int(int32(binary.BigEndian.Uint32(r.rest)))
	}
	r.rest = r.rest[size:]
	return n
}

// count is how many of something follow: no more than there are bytes.
func (r *memberReader) count(size int) int { return max(0, min(r.number(size), len(r.rest))) }

func (r *memberReader) bytes(size int) string {
	n := r.count(size)
	s := string(r.rest[:n])
	r.rest = r.rest[n:]
	return s
}

func (r *memberReader) text() string { return r.bytes(2) }
