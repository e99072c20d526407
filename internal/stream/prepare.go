package stream

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/coverage"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inforce"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/settings"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// found is what is found out before anything is counted: in Kafka, and in the store.
type found struct {
	topics        partitionList
	outPartitions int // of crossings
	deployment    *deployment
	ids           topicIDs
	secret        engine.Secret
	begins        begins
	edition       *edition // by which this process decides at first
}

// prepare waits for the store and the brokers, reads or makes the settings, and
// builds shards and relays.
func (s *Service) prepare(ctx context.Context) error {
	s.found.edition = &edition{program: s.reloads.asked()}
	for _, step := range []func(context.Context) error{
		s.reachStore, s.discoverTopics, s.takeStore, s.readSettings, s.checkGroup, s.settleBegins, s.skip, s.keepRules, s.beginCoverage,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	s.build()
	return nil
}

// reachStore waits for the store. It refuses servers that are not fit, and says what an operator should know of those that are.
func (s *Service) reachStore(ctx context.Context) error {
	return s.wait.untilStored(ctx, func() error {
		if err := s.options.Store.Ping(ctx); err != nil || s.storeWatch == nil {
			return err
		}
		return s.storeWatch.begin(ctx)
	})
}

// discoverTopics finds the partitions of all topics. It waits for brokers that do not answer, and
// for topics that do not exist yet.
func (s *Service) discoverTopics(ctx context.Context) error {
	s.found.topics = nil
	for _, topic := range s.options.Events {
		n, err := s.waitForTopic(ctx, topic)
		if err != nil {
			return err
		}
		for p := range n {
			s.found.topics = append(s.found.topics, position.TopicPartition{Topic: topic, Partition: p})
		}
	}
	var err error
	if s.found.outPartitions, err = s.waitForTopic(ctx, s.options.Crossings); err != nil {
		return err
	}
	return s.found.topics.check(s.found.edition.program.KeysPerEvent)
}

func (s *Service) waitForTopic(ctx context.Context, topic string) (n int, err error) {
	err = s.wait.untilItWorks(ctx, "kafka and its topics", func() error {
		n, err = s.options.partitionsOf(ctx, s.clients.cluster, topic)
		return err
	})
	return n, err
}

// takeStore makes the store this deployment's, if it is nobody's, and refuses another's. Nothing else is written there before.
func (s *Service) takeStore(ctx context.Context) error {
	err := s.wait.untilItWorks(ctx, "kafka and its topics", func() (err error) {
		s.found.deployment, err = newDeployment(ctx, s.clients.cluster, &s.options.Kafka)
		return err
	})
	if err != nil {
		return err
	}
	s.found.deployment.adopt = s.options.Adopt
	err = s.wait.untilStored(ctx, func() error { return s.found.deployment.take(ctx, s.settings(), s.log) })
	if err != nil {
		return err
	}
	return s.wait.untilStored(ctx, func() (err error) {
		s.found.ids, err = s.found.deployment.identify(ctx, s.settings())
		return err
	})
}

func (s *Service) settings() settings.Settings { return settings.Settings{Store: s.options.Store} }

// readSettings compares the settings with the stored ones, which the first process makes.
func (s *Service) readSettings(ctx context.Context) error {
	return s.wait.untilStored(ctx, func() error {
		if err := s.settings().Shards(ctx, s.options.Shards); err != nil {
			return err
		}
		n, err := s.settings().Partitions(ctx, s.options.Crossings, s.found.outPartitions)
		if err != nil {
			return err
		}
		s.found.outPartitions = n
		s.found.secret, err = s.settings().Secret(ctx, s.options.Shards, s.options.Secret)
		return err
	})
}

// keepRules keeps in the store by which rules this process decides, before it does.
func (s *Service) keepRules(ctx context.Context) error {
	e := s.found.edition
	e.rules = inforce.Of(e.program, s.options.Intake)
	err := s.wait.untilStored(ctx, func() (err error) {
		e.changed, err = inforce.Changed(ctx, s.options.Store, s.found.topics, e.rules.ID())
		return err
	})
	if err != nil {
		return err
	}
	return s.keep(ctx, e)
}

// checkGroup waits while the group is at work with another store. To join it would take some of its partitions from there.
func (s *Service) checkGroup(ctx context.Context) error {
	name := storeName(s.options.Store, s.found.secret)
	s.membership.store.Store(&name)
	return s.wait.untilItWorks(ctx, "the group", func() error { return s.membership.free(ctx) })
}

func (s *Service) settleBegins(ctx context.Context) error {
	o := &origin{
		settings: s.settings(), source: s.clients.source, offsets: s.clients.offsets, topics: s.found.topics, ids: s.found.ids,
		group: s.options.Group, start: s.options.Start, log: s.log,
	}
	return s.wait.untilItWorks(ctx, "where counting begins", func() (err error) {
		s.found.begins, err = o.determine(ctx)
		return err
	})
}

// skipPatience is how long a broker may fail to give what is at an offset before it is taken for what cannot be read.
const skipPatience = 2 * time.Second

// skip carries out what -skip says, once.
func (s *Service) skip(ctx context.Context) error {
	if len(s.options.Skip) == 0 {
		return nil
	}
	client := fetch.New(fetch.Options{Transport: s.clients.transport, Brokers: s.options.Addr(), PartitionBytes: s.options.SetBytes, Patience: skipPatience})
	defer client.Close()
	k := &partition.Skipper{Source: fetch.Kafka{Client: client}, Store: s.options.Store, Shards: s.options.Shards, Log: s.log}
	for _, x := range s.options.Skip {
		if _, ok := s.found.topics.index(x.Topic, x.Partition); !ok {
			return &finalError{fmt.Errorf("-skip %v: %s has no partition %d", x, x.Topic, x.Partition)}
		}
		err := s.wait.untilItWorks(ctx, "the store, or kafka and its topics", func() error { return k.Skip(ctx, x) })
		if err != nil {
			return err
		}
	}
	s.options.Skip = nil
	return nil
}

func (s *Service) beginCoverage(ctx context.Context) error {
	return s.cover(ctx, s.found.edition)
}

// loadCoverage reads since when counters are kept. For counters that have not begun for all
// partitions, that has to be known before the first event is applied. Otherwise an episode would
// end by an empty counter.
func loadCoverage(ctx context.Context, c *coverage.Coverage, store windowstore.Store, topics partitionList) error {
	if err := c.Load(ctx); err != nil || !c.Pending() {
		return err
	}
	fences, err := store.Load(ctx, 0, position.AppendFenceKeys(nil, store.Keys(), 0, topics), nil)
	if err != nil {
		return err
	}
	return c.Observe(ctx, position.ParseFences(fences))
}

// rewriteSettings puts the settings back into a store that lost everything. A store that is another deployment's by now is
// met with the next look.
func (s *Service) rewriteSettings(ctx context.Context, e *edition) error {
	done, err := s.settings().Rewrite(ctx, &settings.Made{
		Owner: s.found.deployment.encode(), Begins: s.found.begins.encode(), Shards: s.options.Shards, Partitions: s.found.outPartitions, Topics: s.found.ids,
	})
	if err != nil || !done {
		return err
	}
	if err := s.noteRules(ctx, e); err != nil {
		return err
	}
	return e.coverage.Load(ctx)
}

// disowned ends the service if the store is another's by now.
func (s *Service) disowned(stored []byte) error {
	err := s.found.deployment.disowned(stored)
	if err != nil {
		s.restart(&finalError{err})
	}
	return err
}
