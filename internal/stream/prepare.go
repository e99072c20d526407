package stream

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watchdog"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watermark"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// prepare waits for the store and the brokers, reads or makes the settings, and
// builds shards and relays.
func (s *Service) prepare(ctx context.Context) error {
	err := s.untilStored(ctx, func() error {
		if err := s.Store.Ping(ctx); err != nil {
			return err
		}
		return s.checkStore(ctx)
	})
	if err != nil {
		return err
	}
	if err := s.discoverTopics(ctx); err != nil {
		return err
	}
	if err := s.checkPartitions(); err != nil {
		return err
	}
	if err := s.ownStore(ctx); err != nil { // before anything else is written there
		return err
	}
	if err := s.identify(ctx); err != nil {
		return err
	}
	var secret engine.Secret
	err = s.untilStored(ctx, func() (err error) {
		secret, err = s.checkSettings(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if err := s.storeTaken(ctx, secret); err != nil {
		return err
	}
	err = s.untilItWorks(ctx, "where counting begins", func() error { return s.settleBegins(ctx) })
	if err != nil {
		return err
	}
	if err := s.skip(ctx); err != nil {
		return err
	}
	s.coverage = shard.NewCoverage(s.Store, s.Program, s.topics, s.Shards, s.log)
	if err := s.untilStored(ctx, func() error { return s.loadCoverage(ctx) }); err != nil {
		return err
	}
	s.build(secret)
	return nil
}

// skip carries out what -skip says, once.
func (s *Service) skip(ctx context.Context) error {
	if len(s.Skip) == 0 {
		return nil
	}
	client := fetch.New(fetch.Options{Transport: s.transport, Brokers: s.Addr(), PartitionBytes: s.SetBytes, Patience: skipPatience})
	defer client.Close()
	k := &partition.Skipper{Source: fetch.Kafka{Client: client}, Store: s.Store, Shards: s.Shards, Log: s.log}
	for _, x := range s.Skip {
		if _, ok := s.indexOf(x.Topic, x.Partition); !ok {
			return &finalError{fmt.Errorf("-skip %v: %s has no partition %d", x, x.Topic, x.Partition)}
		}
		err := s.untilItWorks(ctx, "the store, or kafka and its topics", func() error { return k.Skip(ctx, x) })
		if err != nil {
			return err
		}
	}
	s.Skip = nil
	return nil
}

// skipPatience is how long a broker may fail to give what is at an offset before it is taken for what cannot be read.
const skipPatience = 2 * time.Second

// checkPartitions refuses more partitions than have room in a commit: it names a fence for each, beside what
// one event can write.
func (s *Service) checkPartitions() error {
	if most := windowstore.MaxCommitKeys - s.Program.KeysPerEvent - 2; len(s.topics) > most {
		return &finalError{fmt.Errorf("the event topics have %d partitions together, with these packs a group can count %d at most: count some of the topics in another group",
			len(s.topics), most)}
	}
	return nil
}

// loadCoverage reads since when counters are kept. Of those that have not begun for all partitions
// that has to be known before the first event is applied, or an episode would end by an empty counter.
func (s *Service) loadCoverage(ctx context.Context) error {
	if err := s.coverage.Load(ctx); err != nil || !s.coverage.Pending() {
		return err
	}
	fences, err := s.Store.Load(ctx, 0, position.AppendFenceKeys(nil, s.Store.Keys(), 0, s.topics), nil)
	if err != nil {
		return err
	}
	return s.coverage.Observe(ctx, position.ParseFences(fences))
}

// untilStored calls f, which uses the store, until it works.
func (s *Service) untilStored(ctx context.Context, f func() error) error {
	return s.untilItWorks(ctx, "the store", func() error {
		if err := f(); err != nil {
			return explain.Store(err)
		}
		return nil
	})
}

// checkStore refuses a server that is not fit, and says what an operator should know of one that is.
func (s *Service) checkStore(ctx context.Context) error {
	if s.storeWatch == nil {
		return nil
	}
	return s.storeWatch.begin(ctx)
}

// checkSettings compares the settings with the stored ones, which the first process makes.
func (s *Service) checkSettings(ctx context.Context) (engine.Secret, error) {
	shards, err := s.setting(ctx, windowstore.SettingShards, s.Shards)
	if err != nil {
		return engine.Secret{}, err
	}
	if shards != s.Shards {
		return engine.Secret{}, &finalError{fmt.Errorf("the store was made with %d shards, the configuration says %d: set redis.shards to %d, or use another redis.prefix", shards, s.Shards, shards)}
	}
	partitions, err := s.setting(ctx, windowstore.SettingPartitions, s.outPartitions)
	if err != nil {
		return engine.Secret{}, err
	}
	if s.outPartitions < partitions {
		return engine.Secret{}, &finalError{fmt.Errorf("topic %s has %d partitions, the store was made with %d: crossings would change their partition; make the topic with %d", s.Crossings, s.outPartitions, partitions, partitions)}
	}
	s.outPartitions = partitions
	return s.secret(ctx)
}

// rewriteSettings puts the settings back into a store that lost everything.
func (s *Service) rewriteSettings(ctx context.Context) error {
	if done, err := s.noteOwner(ctx, nil, s.deployment.encode()); err != nil || !done { // another's is met with the next look
		return err
	}
	if _, err := s.setting(ctx, windowstore.SettingShards, s.Shards); err != nil {
		return err
	}
	if _, err := s.setting(ctx, windowstore.SettingPartitions, s.outPartitions); err != nil {
		return err
	}
	for topic, id := range s.topicIDs {
		if _, err := s.noteTopic(ctx, topic, id); err != nil {
			return err
		}
	}
	if _, err := s.Store.PutAbsent(ctx, 0, beginsKey(s.Store), s.begins.encode()); err != nil {
		return err
	}
	return s.coverage.Load(ctx)
}

func (s *Service) setting(ctx context.Context, name string, value int) (int, error) {
	key := s.Store.Keys().AppendMetaKey(nil, 0, name)
	b, err := s.Store.PutAbsent(ctx, 0, key, strconv.AppendInt(nil, int64(value), 10))
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(string(b))
	if err != nil {
		return 0, &finalError{fmt.Errorf("setting %s in the store is %q, not a number", name, b)}
	}
	return n, nil
}

// secret is the key of the fingerprints: every shard holds it, so that a shard
// filled with another key is noticed.
func (s *Service) secret(ctx context.Context) (engine.Secret, error) {
	wanted := make([]byte, 16)
	if s.Secret != nil {
		wanted = s.Secret.Bytes()
	} else if _, err := rand.Read(wanted); err != nil {
		return engine.Secret{}, err
	}
	for n := range s.Shards {
		b, err := s.Store.PutAbsent(ctx, n, s.Store.Keys().AppendMetaKey(nil, n, windowstore.SettingFingerprint), wanted)
		if err != nil {
			return engine.Secret{}, err
		}
		if n == 0 && s.Secret == nil && len(b) == len(wanted) {
			wanted = b
		}
		if !bytes.Equal(b, wanted) {
			return engine.Secret{}, &finalError{fmt.Errorf("shard %d of the store was filled with another fingerprint key: restore the key (privacy.key_file), or use another redis.prefix", n)}
		}
	}
	return engine.NewSecret(wanted)
}

func (s *Service) build(secret engine.Secret) {
	s.alignment = watermark.NewAlignment(len(s.topics), s.Shards, watermark.Headroom(s.Program), s.metrics.GaveUpWaiting)
	patient := metrics.NewRetrier(s.metrics, s.log)
	o := shard.NewOptions(s.Program, s.Store, s.Shards, s.topics, s.alignment, patient)
	o.Secret, o.OutboxMax, o.CacheBytes = secret, cmp.Or(s.outboxMax, o.OutboxMax), s.CacheBytes/s.Shards
	o.MaxAge, o.MaxEvents, o.SubjectMax = s.MaxAge, s.MaxBatchEvents, max(shard.BatchSubjectsLeast, shard.BatchSubjects/s.Shards)
	o.OnCrossings = s.wakeRelay
	o.Settings = shard.Settings{Kept: true, Coverage: s.coverage, Rewrite: s.rewriteSettings, Disowned: s.disowned}
	s.publisher = &outbox.KafkaPublisher{
		Writer: s.writer, Source: s.source, End: s.cluster.LogEnd, Topic: s.Crossings, EventsFrom: outbox.SourceOf(s.Group),
		Structured: s.Structured, Now: time.Now, Metrics: s.metrics, Most: outbox.RecentMost, Tails: map[int]*outbox.Tail{},
	}
	ro := &outbox.Options{Store: s.Store, Keys: s.Store.Keys(), Publish: s.publisher, Poll: s.pollEvery, Metrics: s.metrics, Log: s.log, Quiet: &retry.Throttle{}}
	s.shards, s.in, s.relays = nil, nil, nil
	s.metrics.Begin()
	dog := &watchdog.Watchdog{Metrics: s.metrics, Log: s.log, Quiet: &retry.Throttle{}, Topics: s.topics}
	for n := range s.Shards {
		s.shards = append(s.shards, shard.New(n, o))
		dog.WatchShard(&s.shards[n].Pulse, n)
		s.in = append(s.in, make(chan shard.Message, shard.Queue))
		s.relays = append(s.relays, &outbox.Relay{Options: ro, Shard: n, Partition: n % s.outPartitions, Wake: retry.NewSignal()})
	}
	s.watchdog.Store(dog)
	s.partitions = partition.NewShared(partition.Options{
		Program: s.Program, Secret: secret, Intake: s.Intake, Source: s.source, Store: s.Store,
		Shards: s.in, Alignment: s.alignment,
		Dead:       &partition.DeadTopic{Writer: s.deadWriter, Topic: s.DeadTopic, Partitions: s.cluster.Partitions, Retry: s.retryDead},
		RefuseLost: s.RefuseLost, Start: s.Start, Retrier: patient,
	})
}

func (s *Service) retryDead(ctx context.Context, what string, f func() error) error {
	return s.untilItWorks(ctx, what, f)
}
