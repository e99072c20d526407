package stream

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/canary"
	"github.com/seed-afe14ff2/aggregator/internal/stream/janitor"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watchdog"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watermark"
)

// workers are what a run works with in all its generations. They are made once the store and Kafka are known, and again when a
// topic has grown.
type workers struct {
	shards     []*shard.Shard
	in         []chan shard.Message // of each shard
	relays     []*outbox.Relay      // of each shard's outbox
	tried      []*outbox.Relay      // of each shard's outbox for crossings of shadow rules; none if these are not published
	publisher  *outbox.KafkaPublisher
	shadow     *outbox.KafkaPublisher // nil: crossings of shadow rules are not published
	alignment  *watermark.Alignment
	partitions *partition.Shared // of the partitions of each generation
	dog        *watchdog.Watchdog
	owned      *ownedShards
	canaries   *canary.Canaries // nil: none are sent
	alone      atomic.Bool      // nobody else seems to write the same subjects
	edition    atomic.Pointer[edition]
}

// build makes the workers.
func (s *Service) build() {
	s.metrics.Begin()
	e := s.found.edition
	w := &workers{
		alignment: watermark.NewAlignment(len(s.found.topics), s.options.Shards, watermark.Headroom(e.program), s.metrics.Health.GaveUpWaiting),
		dog:       &watchdog.Watchdog{Metrics: s.metrics.Health, Log: s.log, Quiet: &retry.Throttle{}, Topics: s.found.topics},
		owned:     &s.owned,
	}
	patient := metrics.NewRetrier(s.metrics, s.log)
	s.buildShards(w, e, patient)
	s.buildRelays(w)
	s.buildCanaries(w)
	w.partitions = partition.NewShared(partition.Options{
		Deciding: e.deciding(), Secret: s.found.secret, Intake: s.options.Intake, Source: s.clients.source, Store: s.options.Store,
		Shards: w.in, Alignment: w.alignment,
		Dead: &partition.DeadTopic{
			Writer: s.clients.deadWriter, Topic: s.options.DeadTopic, Partitions: s.clients.cluster.Partitions, Retry: s.wait.untilItWorks,
		},
		RefuseLost: s.options.RefuseLost, Start: s.options.Start, Canaries: s.options.Events[0], Retrier: patient, Metrics: s.metrics.Intake,
	})
	for _, sh := range w.shards {
		w.dog.WatchShard(&sh.Pulse, sh.Number)
	}
	s.workers = w
	s.inForce(e)
	s.watchdog.Store(w.dog)
}

func (s *Service) buildShards(w *workers, e *edition, patient metrics.Retrier) {
	o := shard.NewOptions(e.program, s.options.Store, s.found.topics, w.alignment, patient, s.metrics.Shards)
	o.Secret, o.OutboxMax, o.CacheBytes = s.found.secret, cmp.Or(s.options.outboxMax, o.OutboxMax), s.options.CacheBytes/s.options.Shards
	o.MaxAge, o.MaxEvents, o.SubjectMax = s.options.MaxAge, s.options.MaxBatchEvents, max(shard.BatchSubjectsLeast, shard.BatchSubjects/s.options.Shards)
	o.OnCrossings, o.OutboxFormat = w.wakeRelay, s.membership.agreement.formats
	if s.options.Version != "" {
		o.Producer = "aggregator/" + s.options.Version
	}
	o.Shadow = s.options.Shadow != ""
	o.Settings = shard.Settings{Kept: true, Disowned: s.disowned}
	s.complete(e, o)
	w.edition.Store(e)
	for n := range s.options.Shards {
		w.shards = append(w.shards, shard.New(n, e.shards))
		w.in = append(w.in, make(chan shard.Message, shard.Queue))
	}
}

func (s *Service) buildRelays(w *workers) {
	w.publisher = outbox.NewKafkaPublisher(s.options.Crossings, s.clients.writer, s.clients.source, s.clients.cluster.LogEnd, s.metrics.Outbox)
	w.publisher.Log = s.log
	w.publisher.EventsFrom, w.publisher.Structured = outbox.SourceOf(s.options.Group), s.options.Structured
	o := outbox.NewOptions(s.options.Store, w.publisher, s.metrics, s.log)
	o.Poll = w.pollEvery
	for n := range s.options.Shards {
		w.relays = append(w.relays, outbox.NewRelay(o, n, n%s.found.outPartitions))
	}
	if s.options.Shadow != "" {
		s.buildShadow(w)
	}
}

// buildShadow makes the relays of the outboxes for crossings of shadow rules. Their topic need not be there: nothing waits for it.
func (s *Service) buildShadow(w *workers) {
	p := outbox.NewKafkaPublisher(s.options.Shadow, s.clients.shadow, s.clients.source, s.clients.cluster.LogEnd, s.metrics.Shadow)
	p.Log = s.log.With("shadow_topic", s.options.Shadow) // a line has the topic of the event too
	p.EventsFrom, p.Structured = w.publisher.EventsFrom, w.publisher.Structured
	w.shadow = p
	folding := outbox.NewFolding(p, s.clients.cluster.Partitions)
	o := outbox.NewOptions(s.options.Store, folding, s.metrics, p.Log)
	o.Poll, o.Keys, o.Metrics = w.pollEvery, o.Keys.Shadow(), s.metrics.Shadow
	for n := range s.options.Shards {
		w.tried = append(w.tried, outbox.NewRelay(o, n, n))
	}
}

// buildCanaries makes the process' canaries, if the config has any.
func (s *Service) buildCanaries(w *workers) {
	if s.options.Canary == "" {
		return
	}
	w.canaries = canary.New(canary.Options{
		Every: s.options.CanaryEvery, Events: s.options.Events[0], Topic: s.options.Canary, Secret: s.found.secret, Writer: s.clients.canary,
		Source: s.clients.source, Message: w.publisher.Message, Metrics: s.metrics.Canary, Log: s.log,
	})
	w.publisher.Canaries = w.canaries
}

// start lets everything run until ctx ends.
func (w *workers) start(ctx context.Context, running *sync.WaitGroup) {
	for i, sh := range w.shards {
		running.Go(func() { sh.Serve(ctx, w.in[i]) })
	}
	running.Go(func() { w.dog.Run(ctx) })
	if w.canaries != nil {
		running.Go(func() { w.canaries.Publish(ctx) })
	}
}

func (w *workers) janitorOptions(e *edition) janitor.Options {
	return janitor.Options{Options: e.shards, Shards: w.shards, In: w.in, Owned: w.owned.has, Soon: e.changed}
}

// own takes over the shards that go with the assignments.
func (w *workers) own(topics partitionList, assignments []*shard.Assignment) {
	w.owned.replace(shardsOf(topics, assignments, len(w.shards)))
	others := topics.others(len(assignments))
	for _, sh := range w.shards {
		sh.Peers.Store(int64(others))
	}
	w.alone.Store(others == 0)
	w.tellAlone(w.edition.Load())
}

// tellAlone tells what writes an edition's lists whether anybody else does.
func (w *workers) tellAlone(e *edition) {
	if l := e.lister(); l != nil {
		l.Alone.Store(w.alone.Load())
	}
}

func (w *workers) ownedRelays() []*outbox.Relay {
	var list []*outbox.Relay
	for _, r := range slices.Concat(w.relays, w.tried) {
		if w.owned.has(r.Shard) {
			list = append(list, r)
		}
	}
	return list
}

// tries reports whether a relay publishes crossings of shadow rules.
func (w *workers) tries(r *outbox.Relay) bool { return slices.Contains(w.tried, r) }

// wakeRelay wakes the relays of a shard after a commit with crossings.
func (w *workers) wakeRelay(shard int) {
	w.relays[shard].Wake.Raise()
	if w.tried != nil {
		w.tried[shard].Wake.Raise()
	}
}

// pollEvery is how often a relay reads the outbox's head: other processes
// commit crossings to the shards that this one publishes.
func (w *workers) pollEvery() time.Duration {
	if w.shards[0].Peers.Load() > 0 {
		return 20 * time.Millisecond
	}
	return time.Second
}

// ownedShards are the shards whose relay and sweep are this process'. The zero value has none.
type ownedShards struct {
	mu   sync.Mutex
	list map[int]bool
}

func (o *ownedShards) replace(list map[int]bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.list = list
}

func (o *ownedShards) has(shard int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.list[shard]
}

// shardsOf are those of so many shards that go with assignments.
func shardsOf(topics partitionList, assignments []*shard.Assignment, shards int) map[int]bool {
	list := map[int]bool{}
	for _, a := range assignments {
		for n := range shards {
			if topics.leader(n) == a.At() {
				list[n] = true
			}
		}
	}
	return list
}
