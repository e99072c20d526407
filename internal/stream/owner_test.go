package stream

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/settings"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// tenant is a deployment that wants a store.
type tenant struct {
	*deployment
	store windowstore.Store
}

func newTenant(store windowstore.Store, group, crossings, id string, events map[string]fetch.TopicID) *tenant {
	names := slices.Sorted(maps.Keys(events))
	return &tenant{&deployment{owner: owner{Group: group, Crossings: crossings, CrossingsID: id, Events: names}, events: events}, store}
}

// take takes the store.
func (d *tenant) take(ctx context.Context) error {
	return d.deployment.take(ctx, settings.Settings{Store: d.store}, discard)
}

// begin takes the store as a start does: its owner, then the ids of the topics.
func (d *tenant) begin(t *testing.T) error {
	t.Helper()
	if err := d.take(t.Context()); err != nil {
		return err
	}
	if _, err := d.identify(t.Context(), settings.Settings{Store: d.store}); err != nil {
		t.Fatal(err)
	}
	return nil
}

// TestOwner: who may count in a store that prod has filled.
func TestOwner(t *testing.T) {
	a, b := fetch.TopicID{1}, fetch.TopicID{2}
	f := func(name, group, crossings, id string, events map[string]fetch.TopicID, want error) {
		t.Helper()
		store := windowstore.NewMem(1)
		if err := newTenant(store, "prod", "out", "aa", map[string]fetch.TopicID{"in": a}).begin(t); err != nil {
			t.Fatal(err)
		}
		err := newTenant(store, group, crossings, id, events).take(t.Context())
		if !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	one := map[string]fetch.TopicID{"in": a}
	f("itself", "prod", "out", "aa", one, nil)
	f("with a topic more", "prod", "out", "aa", map[string]fetch.TopicID{"in": a, "more": b}, nil)
	f("with another topic instead", "prod", "out", "aa", map[string]fetch.TopicID{"more": b}, ErrOtherOwner)
	f("with the crossings made anew", "prod", "out", "bb", one, nil)
	f("from brokers that give no ids", "prod", "out", "", map[string]fetch.TopicID{"in": {}}, nil)
	f("another group", "stag", "out", "aa", one, ErrOtherOwner)
	f("other crossings", "prod", "elsewhere", "cc", one, ErrOtherOwner)
	f("another group and topics", "stag", "stag-out", "cc", map[string]fetch.TopicID{"stag-in": b}, ErrOtherOwner)
	f("another Kafka with the same names", "prod", "out", "bb", map[string]fetch.TopicID{"in": b}, errOtherTopic)
	f("another Kafka with other events", "prod", "out", "bb", map[string]fetch.TopicID{"more": b}, ErrOtherOwner)
}

// TestOwnerLearnsTopics: a store keeps the event topics that it was ever counted of, so that they may be exchanged one by one,
// and not all at once unless on purpose.
func TestOwnerLearnsTopics(t *testing.T) {
	store := windowstore.NewMem(1)
	f := func(adopt string, want error, topics ...string) {
		t.Helper()
		events := map[string]fetch.TopicID{}
		for _, topic := range topics {
			events[topic] = fetch.TopicID{topic[0]}
		}
		s := newTenant(store, "prod", "out", "aa", events)
		s.adopt = adopt
		if err := s.take(t.Context()); !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("with %v: %v, want %v", topics, err, want)
		}
	}
	f("", nil, "a")
	f("", ErrOtherOwner, "b")
	f("", nil, "a", "b")
	f("", nil, "b")
	f("", nil, "b", "c")
	f("", ErrOtherOwner, "d", "e")
	f("stag", ErrOtherOwner, "d")
	f("prod", nil, "d")
	f("", nil, "d")
	f("", nil, "a")
}

// TestOwnerSays: a refusal names both sides and what to do, and is one line.
func TestOwnerSays(t *testing.T) {
	store := windowstore.NewMem(1)
	if err := newTenant(store, "prod", "prod-out", "aa", nil).begin(t); err != nil {
		t.Fatal(err)
	}
	err := newTenant(store, "stag", "stag-out", "bb", nil).begin(t)
	for _, want := range []string{`"prod"`, `"prod-out"`, `"stag"`, `"stag-out"`, "redis.prefix", "-adopt prod"} {
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v does not say %s", err, want)
		}
	}
}

// TestAdopt: a store moves only from the group that is named, and not to other topics of the same names.
func TestAdopt(t *testing.T) {
	in := map[string]fetch.TopicID{"in": {1}}
	f := func(adopt string, events map[string]fetch.TopicID, want error) {
		t.Helper()
		store := windowstore.NewMem(1)
		old := newTenant(store, "prod", "out", "aa", in)
		if err := old.begin(t); err != nil {
			t.Fatal(err)
		}
		heir := newTenant(store, "new", "out", "aa", events)
		heir.adopt = adopt
		if err := heir.take(t.Context()); !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Fatalf("adopt %q: %v, want %v", adopt, err, want)
		}
		stored, err := readOwnership(t.Context(), store, nil)
		if err != nil || (stored.Group == "new") != (want == nil) {
			t.Errorf("adopt %q: the owner is %+v, %v", adopt, stored.owner, err)
		}
		if err := old.disowned(stored.stored); (err != nil) != (want == nil) {
			t.Errorf("adopt %q: the old one goes on with %v", adopt, err)
		}
	}
	f("", in, ErrOtherOwner)
	f("stag", in, ErrOtherOwner)
	f("prod", in, nil)
	f("prod", map[string]fetch.TopicID{"in": {2}}, ErrOtherOwner)
}

// rivalStore lets a rival in before the first commit.
type rivalStore struct {
	windowstore.Store
	rival *tenant
}

func (s *rivalStore) Commit(ctx context.Context, shard int, c *windowstore.Commit) (windowstore.Result, error) {
	if rival := s.rival; rival != nil {
		s.rival = nil
		if err := rival.take(ctx); err != nil {
			return windowstore.Result{}, err
		}
	}
	return s.Store.Commit(ctx, shard, c)
}

// TestOwnersMeet: of two deployments that find nobody at the same moment one has the store, and the other is refused.
func TestOwnersMeet(t *testing.T) {
	store := &rivalStore{Store: windowstore.NewMem(1)}
	store.rival = newTenant(store, "prod", "out", "aa", nil)
	if err := newTenant(store, "stag", "out", "aa", nil).take(t.Context()); !errors.Is(err, ErrOtherOwner) {
		t.Errorf("the second one: %v", err)
	}
	store.rival = newTenant(store, "prod", "out", "aa", nil)
	if err := newTenant(store, "prod", "out", "bb", map[string]fetch.TopicID{}).take(t.Context()); !errors.Is(err, ErrOtherOwner) {
		t.Errorf("of another Kafka: %v", err)
	}
}

// ended waits for a service that ends by itself.
func (p *process) ended() error {
	err := <-p.done
	p.once.Do(func() { close(p.done) })
	return err
}

// TestServicesShareNoStore: a service on another's store ends, and one whose store was adopted ends, too.
func TestServicesShareNoStore(t *testing.T) {
	r := newRig(t, 1, compile(t, smallPack))
	store := windowstore.NewMem(DefaultShards)
	prod := r.start(store, nil)
	for !prod.s.membership.joined.Load() {
		<-time.After(10 * time.Millisecond)
	}
	stag := r.start(store, func(o *Options) { o.Group = "stag" })
	if err := stag.ended(); !errors.Is(err, ErrOtherOwner) {
		t.Errorf("the second one ended with %v", err)
	}
	heir := r.start(store, func(o *Options) { o.Group, o.Adopt = "stag", "g" })
	if err := prod.ended(); !errors.Is(err, ErrOtherOwner) {
		t.Errorf("the old one ended with %v", err)
	}
	heir.end(t)
}

// TestCheckOwner: the check says whose a store is, and leaves it alone.
func TestCheckOwner(t *testing.T) {
	r := newRig(t, 1, compile(t, smallPack))
	store := windowstore.NewMem(DefaultShards)
	if group, err := CheckOwner(t.Context(), &r.kafka, store); group != "" || err != nil {
		t.Errorf("nobody's: %q, %v", group, err)
	}
	if found, err := readOwnership(t.Context(), store, nil); err != nil || found.stored != nil {
		t.Errorf("the check wrote %q, %v", found.stored, err)
	}
	s := New(Options{Kafka: r.kafka, Program: r.program, Store: store, Registry: prometheus.NewRegistry(), Log: discard})
	s.clients = s.options.connect(testReach(t))
	defer s.clients.close()
	if err := s.takeStore(t.Context()); err != nil {
		t.Fatal(err)
	}
	if group, err := CheckOwner(t.Context(), &r.kafka, store); group != "g" || err != nil {
		t.Errorf("its own: %q, %v", group, err)
	}
	other := r.kafka
	other.Group = "stag"
	if group, err := CheckOwner(t.Context(), &other, store); group != "g" || !errors.Is(err, ErrOtherOwner) {
		t.Errorf("another's: %q, %v", group, err)
	}
}
