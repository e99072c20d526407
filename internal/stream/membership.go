package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
)

// membership is the place of a process in its group, and what it last saw of the other members.
type membership struct {
	group   string
	members func(ctx context.Context) (census, error) // asks who is in the group
	metrics *metrics.Health
	log     *slog.Logger
	store   atomic.Pointer[string] // the name of the process' own store, see storeName; nil: not known yet

	agreement agreement // of the present generation's members
	joined    atomic.Bool
	census    atomic.Pointer[census] // as last seen; nil: not yet
	// holds and partitions are how many partitions the process has, and how many there are.
	holds, partitions atomic.Int64

	// What was last logged of strangers, and of members with another store. Only the goroutine that looks uses it.
	strangersLogged, splitLogged string
}

func newMembership(group string, m *metrics.Health, log *slog.Logger) *membership {
	return &membership{group: group, agreement: agreement{patience: updated}, metrics: m, log: log}
}

// ownStore is the name of the process' own store; "": not known yet.
func (m *membership) ownStore() string {
	if name := m.store.Load(); name != nil {
		return *name
	}
	return ""
}

// began notes that a generation has begun in which the process holds so many of all partitions.
func (m *membership) began(holds, partitions int) {
	m.holds.Store(int64(holds))
	m.partitions.Store(int64(partitions))
	m.census.Store(nil)
	m.joined.Store(true)
	m.metrics.Joined(holds)
}

// left notes that the process is not in the group any more.
func (m *membership) left() {
	m.joined.Store(false)
	m.metrics.Left()
}

// free is the error of a group that is at work with another store. Who cannot be asked is looked at again once the group is
// joined, since not everybody may ask.
func (m *membership) free(ctx context.Context) error {
	c, err := m.members(ctx)
	if err != nil {
		return nil
	}
	m.census.Store(&c)
	return c.split(m.group, m.ownStore())
}

// censusEvery is how often a process looks who is in the group, once it has seen that everybody has been told what it holds.
const censusEvery = 30 * time.Second

// look finds out who is in the group, and reports whether that is settled. outside: the group does not take the process, as
// its members speak otherwise.
func (m *membership) look(ctx context.Context, outside bool) bool {
	generation := m.agreement.generation.Load()
	c, err := m.members(ctx)
	if err != nil {
		if ctx.Err() == nil {
			m.log.Debug("group not looked at", "group", m.group, "error", err)
		}
		return false
	}
	m.agreement.saw(&c, generation)
	c.hidden = c.hidden && (outside || m.joined.Load()) // else there is no such group
	if c.settled || c.hidden || !m.joined.Load() {
		m.note(&c)
	}
	return c.settled
}

// note logs what has changed of who is in the group.
func (m *membership) note(c *census) {
	strangers := c.strangers()
	n := len(strangers) + len(c.elsewhere(m.ownStore()))
	if c.hidden {
		n = 1 // at least
	}
	m.metrics.StrangersSeen(n)
	old := m.census.Swap(c)
	now, before := namesOf(strangers), m.strangersLogged
	if c.hidden {
		now = hiddenMembers
	}
	m.strangersLogged = now
	switch {
	case now != "" && now != before:
		m.log.Error("group has members that are no aggregators: what they hold nobody counts", "group", m.group, "members", now)
	case now == "" && before != "":
		m.log.Info("group has no members any more that are no aggregators", "group", m.group)
	}
	m.noteSplit(c)
	if m.holds.Load() == 0 && c.settled && now == "" && (old == nil || !old.settled || len(old.peers) != len(c.peers)) {
		m.log.Info("no partition for this process: it stands by", "processes", len(c.peers), "partitions", m.partitions.Load())
	}
}

// noteSplit logs that members count into another store, and when that is over.
func (m *membership) noteSplit(c *census) {
	now, before := namesOf(c.elsewhere(m.ownStore())), m.splitLogged
	m.splitLogged = now
	switch {
	case now != "" && now != before:
		m.log.Error("group counts into two stores: each lacks what the other has", "group", m.group, "members", now)
	case now == "" && before != "":
		m.log.Info("group counts into one store again", "group", m.group)
	}
}

// report is what is worth saying of the process' place in the group; the error is what is missing there.
func (m *membership) report() (note string, err error) {
	c := m.census.Load()
	if c == nil {
		c = &census{}
	}
	var holding []peer
	for _, p := range c.strangers() {
		if len(p.held) > 0 {
			holding = append(holding, p)
		}
	}
	split := c.split(m.group, m.ownStore())
	switch joined := m.joined.Load(); {
	case c.hidden && (!joined || m.holds.Load() == 0):
		return "", fmt.Errorf("group %s is another program's: %s; give this service a kafka.group of its own", m.group, hiddenMembers)
	case !joined && split != nil:
		return "", fmt.Errorf("%w: %w", errNotJoined, split)
	case !joined && len(c.strangers()) > 0:
		return "", fmt.Errorf("%w: it has members that are no aggregators: %s; give this service a kafka.group of its own", errNotJoined, namesOf(c.strangers()))
	case !joined:
		return "", errNotJoined
	case split != nil:
		return "", split
	case len(holding) > 0:
		return "", fmt.Errorf("group %s has members that are no aggregators, and what they hold nobody counts: %s; give this service a kafka.group of its own",
			m.group, namesOf(holding))
	case m.holds.Load() == 0 && c.settled:
		return fmt.Sprintf("stands by: %s, %s", counted(len(c.peers), "process", "processes"), counted(int(m.partitions.Load()), "partition", "partitions")), nil
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
