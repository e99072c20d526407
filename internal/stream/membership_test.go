package stream

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
)

// TestMembership: what is said of the group, by who is in it.
func TestMembership(t *testing.T) {
	mine, other := peer{client: "a", ours: true}, peer{client: "c\u202e\n", host: "h", held: []position.TopicPartition{{Topic: "events", Partition: 0}, {Topic: "events", Partition: 2}}}
	idle := peer{client: "c", host: "h"}
	f := func(joined bool, holds int64, c *census, note, missing string) {
		t.Helper()
		s := &membership{group: "g"}
		s.joined.Store(joined)
		s.holds.Store(holds)
		s.partitions.Store(2)
		s.census.Store(c)
		got, err := s.report()
		if got != note || (err == nil) != (missing == "") || err != nil && !strings.Contains(err.Error(), missing) {
			t.Errorf("joined %v, holds %d, %+v: got %q, %v", joined, holds, c, got, err)
		}
	}
	settled := func(peers ...peer) *census { return &census{settled: true, peers: peers} }
	f(false, 0, nil, "", "group not joined")
	f(false, 0, settled(mine), "", "group not joined")
	f(false, 0, settled(other), "", `group not joined: it has members that are no aggregators: "c\u202e\n" at h with events/0, events/2; give`)
	f(true, 2, nil, "", "")
	f(true, 2, settled(mine), "", "")
	f(true, 2, settled(mine, idle), "", "")
	f(true, 0, nil, "", "")
	f(true, 0, settled(mine, mine, mine), "stands by: 3 processes, 2 partitions", "")
	f(true, 0, settled(mine, other), "", `what they hold nobody counts: "c\u202e\n" at h with events/0, events/2; give`)
	f(true, 1, settled(mine, other), "", "nobody counts")
	f(true, 0, &census{hidden: true}, "", "is another program's: its members speak the new protocol")
	f(false, 0, &census{hidden: true}, "", "is another program's: its members speak the new protocol")
	f(true, 2, &census{hidden: true}, "", "")
}

// TestNoteCensus: strangers are said when they come and when they go, and not each time somebody looks.
func TestNoteCensus(t *testing.T) {
	var b bytes.Buffer
	s := newMembership("g", metrics.New(prometheus.NewRegistry(), compile(t, smallPack)).Health, slog.New(slog.NewTextHandler(&b, nil)))
	s.partitions.Store(2)
	mine, other := peer{client: "a", ours: true}, peer{client: "c", host: "h"}
	f := func(want string, peers ...peer) {
		t.Helper()
		b.Reset()
		s.note(&census{settled: true, peers: peers})
		if got := b.String(); (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%+v: said %q, want %q", peers, got, want)
		}
	}
	f("it stands by", mine)
	f("", mine)
	f("no aggregators: what they hold nobody counts", mine, other)
	f("", mine, other)
	f("any more that are no aggregators", mine)
	s.holds.Store(1)
	f("", mine, mine)
}

// TestGroupIsFree: a group that is at work with another store is not free; what cannot be asked is.
func TestGroupIsFree(t *testing.T) {
	f := func(c census, asked error, want string) {
		t.Helper()
		m := newMembership("g", metrics.New(prometheus.NewRegistry(), compile(t, smallPack)).Health, discard)
		m.members = func(context.Context) (census, error) { return c, asked }
		name := "mine"
		m.store.Store(&name)
		err := m.free(t.Context())
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%+v, %v: %v, want %q", c, asked, err, want)
		}
	}
	f(census{}, nil, "")
	f(census{peers: []peer{{client: "a", ours: true, store: "mine"}, {client: "b", ours: true}, {client: "c"}}}, nil, "")
	f(census{peers: []peer{{client: "a", ours: true, store: "theirs"}}}, nil, "count into another store")
	f(census{peers: []peer{{client: "a", ours: true, store: "theirs"}}}, errors.New("not allowed"), "")
}

// TestJoined: a generation that begins forgets whom the one before has seen, and one that ends leaves the group.
func TestJoined(t *testing.T) {
	m := newMembership("g", metrics.New(prometheus.NewRegistry(), compile(t, smallPack)).Health, discard)
	m.census.Store(&census{hidden: true})
	m.began(0, 5)
	if note, err := m.report(); note != "" || err != nil {
		t.Errorf("joined: %q, %v", note, err)
	}
	m.census.Store(&census{settled: true, peers: []peer{{ours: true}}})
	if note, err := m.report(); note != "stands by: 1 process, 5 partitions" || err != nil {
		t.Errorf("without a partition: %q, %v", note, err)
	}
	m.left()
	if _, err := m.report(); !errors.Is(err, errNotJoined) {
		t.Errorf("left: %v", err)
	}
}
