package stream

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/describegroups"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
)

// kin is what members of a group tell each other in their user data, so that a process knows its own kind. A member
// that does not tell it is another program that was given the group: what it holds nobody counts.
const kin = "aggregator"

// UserData is kafka.GroupBalancer's.
func (b countingBalancer) UserData() ([]byte, error) { return kinOf(b.store), nil }

// peer is a member of the group, as the coordinator tells of it.
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
	settled bool // every member has been told what it holds
	hidden  bool // the brokers do not say: the group speaks the new protocol of consumers, as no aggregator does
	peers   []peer
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

// Strangers are the members of the group that are no aggregators, each with where it runs and which partitions of the events it
// has: these nobody counts.
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
	c := census{settled: g.GroupState == "Stable", hidden: g.GroupState == "Dead"}
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

// censusEvery is how often a process looks who is in the group, once it has seen that everybody has been told what it holds.
const censusEvery = 30 * time.Second

// lookAround finds out who is in the group, and says whether that is settled. outside: the group does not take the process, as
// its members speak otherwise.
func (s *Service) lookAround(ctx context.Context, outside bool) bool {
	c, err := s.members(ctx)
	if err != nil {
		if ctx.Err() == nil {
			s.log.Debug("group not looked at", "group", s.Group, "error", err)
		}
		return false
	}
	c.hidden = c.hidden && (outside || s.joined.Load()) // else there is no such group
	if c.settled || c.hidden || !s.joined.Load() {
		s.tellCensus(&c)
	}
	return c.settled
}

// tellCensus says what has changed of who is in the group.
func (s *Service) tellCensus(c *census) {
	strangers := c.strangers()
	n := len(strangers) + len(c.elsewhere(s.storeName))
	if c.hidden {
		n = 1 // at least
	}
	s.metrics.StrangersSeen(n)
	old := s.census.Swap(c)
	now, before := namesOf(strangers), s.strangersSaid
	if c.hidden {
		now = hiddenMembers
	}
	s.strangersSaid = now
	switch {
	case now != "" && now != before:
		s.log.Error("group has members that are no aggregators: what they hold nobody counts", "group", s.Group, "members", now)
	case now == "" && before != "":
		s.log.Info("group has no members any more that are no aggregators", "group", s.Group)
	}
	s.tellSplit(c)
	if s.holds.Load() == 0 && c.settled && now == "" && (old == nil || !old.settled || len(old.peers) != len(c.peers)) {
		s.log.Info("no partition for this process: it stands by", "processes", len(c.peers), "partitions", s.partitionsKnown.Load())
	}
}

// tellSplit says that members count into another store, and when that is over.
func (s *Service) tellSplit(c *census) {
	now, before := namesOf(c.elsewhere(s.storeName)), s.splitSaid
	s.splitSaid = now
	switch {
	case now != "" && now != before:
		s.log.Error("group counts into two stores: each lacks what the other has", "group", s.Group, "members", now)
	case now == "" && before != "":
		s.log.Info("group counts into one store again", "group", s.Group)
	}
}

// Membership says of the process' place in the group what is worth saying; the error is what is missing there.
func (s *Service) Membership() (note string, err error) {
	c := s.census.Load()
	if c == nil {
		c = &census{}
	}
	var holding []peer
	for _, p := range c.strangers() {
		if len(p.held) > 0 {
			holding = append(holding, p)
		}
	}
	split := c.split(s.Group, s.storeName)
	switch joined := s.joined.Load(); {
	case c.hidden && (!joined || s.holds.Load() == 0):
		return "", fmt.Errorf("group %s is another program's: %s; give this service a kafka.group of its own", s.Group, hiddenMembers)
	case !joined && split != nil:
		return "", fmt.Errorf("%w: %w", errNotJoined, split)
	case !joined && len(c.strangers()) > 0:
		return "", fmt.Errorf("%w: it has members that are no aggregators: %s; give this service a kafka.group of its own", errNotJoined, namesOf(c.strangers()))
	case !joined:
		return "", errNotJoined
	case split != nil:
		return "", split
	case len(holding) > 0:
		return "", fmt.Errorf("group %s has members that are no aggregators, and what they hold nobody counts: %s; give this service a kafka.group of its own", s.Group, namesOf(holding))
	case s.holds.Load() == 0 && c.settled:
		return fmt.Sprintf("stands by: %s, %s", counted(len(c.peers), "process", "processes"), counted(int(s.partitionsKnown.Load()), "partition", "partitions")), nil
	}
	return "", nil
}

// hiddenMembers stands for members whom the brokers do not name to us.
const hiddenMembers = "its members speak the new protocol of consumers (group.protocol=consumer), as no aggregator does; check -live names them"

var errNotJoined = errors.New("group not joined")

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
