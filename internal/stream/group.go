package stream

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/canary"
	"github.com/seed-afe14ff2/aggregator/internal/stream/faultpoint"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watermark"
)

// generation is what runs between two rebalances. It has the partitions this process was given, the
// relays of the shards that go with them, and the commits to Kafka.
type generation struct {
	run         *run
	number      int64 // of those that this process took part in: a group that was recreated counts its own from the start
	assignments []*shard.Assignment
	partitions  []*partition.Partition
	relays      []*outbox.Relay
	given       *partitionCounts            // to all members, where this process is the group's leader; otherwise nil
	last        map[*shard.Assignment]int64 // offset committed last
	held        map[*shard.Assignment]*holdback
	readers     sync.WaitGroup
	quiet       chan struct{} // closed when every partition has given its assignment up
}

// run is what the generations of a run of the service work with.
type run struct {
	membership *membership
	clients    *clients
	events     []string // topics
	topics     partitionList
	ids        topicIDs
	alignment  *watermark.Alignment
	restart    context.CancelCauseFunc // ends the run
	metrics    *metrics.Metrics
	lags       lags
	log        *slog.Logger
}

// follow takes generations until ctx ends. Joining and leaving are the
// library's; the offsets that it reads serve only to tell a lost store from a
// new partition.
func (s *Service) follow(ctx context.Context, group *kafka.ConsumerGroup) {
	var quiet retry.Throttle
	for ctx.Err() == nil {
		gen, err := group.Next(ctx)
		switch {
		case ctx.Err() != nil || errors.Is(err, kafka.ErrGroupClosed):
			return
		case err != nil:
			s.membership.left()
			s.reach.Failed(metrics.OperationGroup, err)
			if _, ok := quiet.Pass(); ok {
				s.membership.look(ctx, errors.Is(err, kafka.InconsistentGroupProtocol))
				s.log.Warn("group not joined: trying again", "group", s.options.Group, "error", explain.Kafka(err))
			}
			continue
		}
		s.reach.Answered(metrics.OperationGroup)
		s.begin(gen)
	}
}

// begin starts everything of a generation. It ends when any of its functions
// returns, so each returns only when the generation has ended.
func (s *Service) begin(gen *kafka.Generation) {
	g, dog := s.assign(gen.ID, gen.Assignments), s.workers.dog
	s.log.Info("joined the group: reading", "generation", gen.ID, "partitions", len(g.assignments), "of", len(s.found.topics))
	for _, p := range g.partitions {
		g.readers.Add(1)
		dog.WatchPartition(&p.Pulse, p.Assignment.At())
		gen.Start(func(ctx context.Context) {
			defer g.readers.Done()
			defer dog.Forget(&p.Pulse)
			p.Run(ctx)
		})
	}
	s.membership.began(len(g.assignments), len(s.found.topics)) // before commit, which says at the end that it is no longer
	gen.Start(func(ctx context.Context) { g.commit(ctx, groupMember{gen.ID, gen.MemberID}) })
	gen.Start(g.measure)
	if c := s.workers.canaries; c != nil {
		gen.Start(func(ctx context.Context) { c.Serve(ctx, g.lagsOf(s.options.Events[0])) })
	}
	for _, r := range g.relays {
		if !s.workers.tries(r) { // nobody is to act where those stand still
			dog.WatchRelay(&r.Pulse, r.Shard)
		}
		gen.Start(func(ctx context.Context) {
			defer dog.Forget(&r.Pulse)
			r.Run(ctx, g.quiet)
		})
	}
}

// assign makes what a generation runs of the partitions that the group gives.
func (s *Service) assign(id int32, given map[string][]kafka.PartitionAssignment) *generation {
	s.generations++
	s.membership.agreement.begin(s.generations)
	g := &generation{
		number: s.generations, given: s.given.Swap(nil),
		last: map[*shard.Assignment]int64{}, held: map[*shard.Assignment]*holdback{}, quiet: make(chan struct{}),
	}
	for topic, list := range given {
		for _, a := range list {
			index, ok := s.found.topics.index(topic, a.ID)
			if !ok {
				s.log.Warn("partition is new: starting again with it", "topic", topic, "partition", a.ID)
				s.restart(errGrown)
				continue
			}
			l := shard.NewAssignment(topic, a.ID, index, len(s.workers.shards))
			l.Begin, l.GroupAt = s.found.begins[position.TopicPartition{Topic: topic, Partition: a.ID}], committedOffset(a.Offset)
			g.assignments = append(g.assignments, l)
			g.partitions = append(g.partitions, s.workers.partitions.New(l))
		}
	}
	s.workers.partitions.Given()
	s.workers.own(s.found.topics, g.assignments)
	s.tellGiven(g.assignments)
	s.workers.alignment.Begin()
	g.run, g.relays = s.run(), s.workers.ownedRelays()
	for _, r := range g.relays {
		r.Begin(g.number, outbox.NewLease(id, s.process))
	}
	return g
}

// tellGiven tells the metrics what the group has given, so that they forget what they know of the rest.
func (s *Service) tellGiven(list []*shard.Assignment) {
	partitions := make([]position.TopicPartition, len(list))
	for i, l := range list {
		partitions[i] = l.At()
	}
	s.lags.keep(partitions)
	s.metrics.Given(partitions, slices.Sorted(maps.Keys(shardsOf(s.found.topics, list, s.options.Shards))))
}

// lagsOf is how far events come after their time, by the partitions of a topic that the generation has.
func (g *generation) lagsOf(topic string) canary.Lags {
	lags := canary.Lags{}
	for _, p := range g.partitions {
		if p.Assignment.Topic == topic {
			lags[p.Assignment.Partition] = p.Lag
		}
	}
	return lags
}

func (s *Service) run() *run {
	return &run{
		membership: s.membership, clients: s.clients, events: s.options.Events, topics: s.found.topics, ids: s.found.ids,
		alignment: s.workers.alignment, restart: s.restart, metrics: s.metrics, lags: s.lags, log: s.log,
	}
}

// committedOffset is the group's offset; -1 if it has none (the library then
// gives the place to start, which is negative).
func committedOffset(offset int64) int64 {
	if offset < 0 {
		return -1
	}
	return offset
}

// commitEvery is how often offsets are committed to Kafka. They are for lag
// tools: what is counted rests on the fences.
const commitEvery = time.Second

// measureEvery is how often the lag is measured, and how often the topics are looked at for new partitions.
const measureEvery = time.Second

// commit commits the offsets that every shard has stored, and a last time when
// the partitions have given up their assignments.
func (g *generation) commit(ctx context.Context, as groupMember) {
	retry.Every(ctx, commitEvery, func(time.Time) { g.commitOnce(as) })
	g.run.membership.left()
	g.end(as)
}

// end waits for the partitions, lets the relays publish what is left, and commits a last time.
func (g *generation) end(as groupMember) {
	g.run.membership.agreement.end()
	g.readers.Wait()
	close(g.quiet)
	g.commitOnce(as)
}

// measure keeps the lag: what is in the log and not yet in the store. It also
// finds out how long the log was when the generation began, and looks whether the topics are still the same.
func (g *generation) measure(ctx context.Context) {
	t := time.NewTicker(measureEvery)
	defer t.Stop()
	var looked time.Time
	for ctx.Err() == nil {
		g.look(ctx)
		if time.Since(looked) > censusEvery && g.run.membership.look(ctx, false) {
			looked = time.Now()
		}
		for _, l := range g.assignments {
			g.measureOne(ctx, l)
		}
		select {
		case <-ctx.Done():
		case <-t.C:
		}
	}
	g.readers.Wait()
	for _, l := range g.assignments {
		g.noteLag(ctx, l, g.run.lags.of(l.At()))
	}
}

// look asks for ends of the log that are not known yet, and whether the topics are what they were.
func (g *generation) look(ctx context.Context) {
	r := g.run
	r.findLogEnds(ctx)
	w := topicWatch{topics: r.clients.cluster, ids: r.ids, known: r.topics.counts(), log: r.log}
	if err := w.check(ctx, r.events, g.given); err != nil {
		r.restart(err)
	}
}

// findLogEnds asks for the ends of the log that the alignment does not know yet.
func (r *run) findLogEnds(ctx context.Context) {
	for i, t := range r.topics {
		if r.alignment.KnowsLogEnd(i) {
			continue
		}
		if _, end, err := r.clients.source.Offsets(ctx, t.Topic, t.Partition); err == nil && ctx.Err() == nil {
			r.alignment.LogEnded(i, end)
		}
	}
}

// commitOnce commits what has moved since it last did. At first that is everything, so that where counting began is noted.
func (g *generation) commitOnce(as groupMember) {
	var moved []groupOffset
	for _, l := range g.assignments {
		offset, ok := l.Committed()
		if before, said := g.last[l]; !ok || said && before == offset {
			continue
		}
		g.last[l] = offset
		moved = append(moved, groupOffset{l.At(), offset, note(l.Begin, g.run.ids[l.Topic])})
	}
	if len(moved) == 0 {
		return
	}
	faultpoint.Pass("offsets")
	if err := g.run.clients.offsets.commit(context.Background(), as, moved); err != nil { // at the end, too, when every other context is over
		clear(g.last)
		g.run.log.Debug("offsets not committed to Kafka", "generation", g.number, "error", err)
	}
}
