package stream

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
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
	var secret Secret
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
	s.coverage = newCoverage(s.Store, s.Program, s.topics, s.Shards, s.log)
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
	k := &skipper{source: fromKafka{client}, store: s.Store, shards: s.Shards, log: s.log}
	for _, x := range s.Skip {
		if _, ok := s.indexOf(x.Topic, x.Partition); !ok {
			return &finalError{fmt.Errorf("-skip %v: %s has no partition %d", x, x.Topic, x.Partition)}
		}
		err := s.untilItWorks(ctx, "the store, or kafka and its topics", func() error { return k.skip(ctx, x) })
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
	if most := windowstore.MaxCommitKeys - s.Program.keysPerEvent - 2; len(s.topics) > most {
		return &finalError{fmt.Errorf("the event topics have %d partitions together, with these packs a group can count %d at most: count some of the topics in another group",
			len(s.topics), most)}
	}
	return nil
}

// loadCoverage reads since when counters are kept. Of those that have not begun for all partitions
// that has to be known before the first event is applied, or an episode would end by an empty counter.
func (s *Service) loadCoverage(ctx context.Context) error {
	if err := s.coverage.load(ctx); err != nil || !s.coverage.pending() {
		return err
	}
	fences, err := s.Store.Load(ctx, 0, appendFenceKeys(nil, s.Store.Keys(), 0, s.topics), nil)
	if err != nil {
		return err
	}
	return s.coverage.observe(ctx, marksOf(fences))
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
func (s *Service) checkSettings(ctx context.Context) (Secret, error) {
	shards, err := s.setting(ctx, windowstore.SettingShards, s.Shards)
	if err != nil {
		return Secret{}, err
	}
	if shards != s.Shards {
		return Secret{}, &finalError{fmt.Errorf("the store was made with %d shards, the configuration says %d: set redis.shards to %d, or use another redis.prefix", shards, s.Shards, shards)}
	}
	partitions, err := s.setting(ctx, windowstore.SettingPartitions, s.outPartitions)
	if err != nil {
		return Secret{}, err
	}
	if s.outPartitions < partitions {
		return Secret{}, &finalError{fmt.Errorf("topic %s has %d partitions, the store was made with %d: crossings would change their partition; make the topic with %d", s.Crossings, s.outPartitions, partitions, partitions)}
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
	return s.coverage.load(ctx)
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
func (s *Service) secret(ctx context.Context) (Secret, error) {
	wanted := make([]byte, 16)
	if s.Secret != nil {
		wanted = s.Secret.bytes()
	} else if _, err := rand.Read(wanted); err != nil {
		return Secret{}, err
	}
	for n := range s.Shards {
		b, err := s.Store.PutAbsent(ctx, n, s.Store.Keys().AppendMetaKey(nil, n, windowstore.SettingFingerprint), wanted)
		if err != nil {
			return Secret{}, err
		}
		if n == 0 && s.Secret == nil && len(b) == len(wanted) {
			wanted = b
		}
		if !bytes.Equal(b, wanted) {
			return Secret{}, &finalError{fmt.Errorf("shard %d of the store was filled with another fingerprint key: restore the key (privacy.key_file), or use another redis.prefix", n)}
		}
	}
	return NewSecret(wanted)
}

func (s *Service) build(secret Secret) {
	s.alignment = newAlignment(len(s.topics), s.Shards, headroom(s.Program), s.metrics.gaveUpWaiting)
	patient := newRetrier(s.metrics, s.log)
	o := &shardOptions{
		program: s.Program, store: s.Store, keys: s.Store.Keys(), writer: newWriterID(), secret: secret, outboxMax: cmp.Or(s.outboxMax, outboxMost), outboxFullLog: &retry.Throttle{},
		partitions: s.topics, maxAge: s.MaxAge, maxEvents: s.MaxBatchEvents, subjectMax: max(batchSubjectsLeast, batchSubjects/s.Shards), cacheBytes: s.CacheBytes / s.Shards, keptMax: keptOperations,
		hooks: realHooks(), coverage: s.coverage, rewriteSettings: s.rewriteSettings, disowned: s.disowned, committed: s.wakeRelay,
		alignment: s.alignment, retrier: patient,
	}
	s.publisher = &topicPublisher{
		writer: s.writer, source: s.source, end: s.cluster.LogEnd, topic: s.Crossings, eventsFrom: sourceOf(s.Group),
		structured: s.Structured, now: time.Now, metrics: s.metrics, most: recentMost, tails: map[int]*tail{},
	}
	ro := &relayOptions{store: s.Store, keys: s.Store.Keys(), publish: s.publisher, poll: s.pollEvery, metrics: s.metrics, log: s.log, quiet: &retry.Throttle{}}
	s.shards, s.in, s.relays = nil, nil, nil
	s.metrics.begin()
	dog := &watchdog{metrics: s.metrics, log: s.log, quiet: &retry.Throttle{}, topics: s.topics}
	for n := range s.Shards {
		s.shards = append(s.shards, newShard(n, o))
		dog.watchShard(&s.shards[n].pulse, n)
		s.in = append(s.in, make(chan message, shardQueue))
		s.relays = append(s.relays, &relay{relayOptions: ro, shard: n, partition: n % s.outPartitions, wake: retry.NewSignal()})
	}
	s.watchdog.Store(dog)
	s.partitions = partitionOptions{
		program: s.Program, secret: secret, intake: s.Intake, source: s.source, store: s.Store, keys: s.Store.Keys(),
		shards: s.in, alignment: s.alignment,
		dead:       &deadTopic{writer: s.deadWriter, topic: s.DeadTopic, partitions: s.cluster.Partitions, retry: s.retryDead},
		refuseLost: s.RefuseLost, start: s.Start, retrier: patient, standing: &retry.Throttle{}, surplus: &retry.Throttle{}, holes: newHoles(), dedupe: newDedupeCache(), chunkOps: chunkOps,
	}
}

func (s *Service) retryDead(ctx context.Context, what string, f func() error) error {
	return s.untilItWorks(ctx, what, f)
}
