package stream

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

// generation is what runs between two rebalances: the partitions this process
// was given, the relays of the shards that go with them, and the commits to Kafka.
type generation struct {
	service *Service
	leases  []*lease
	readers sync.WaitGroup
	quiet   chan struct{} // closed when every partition has given its lease up
}

// follow takes generations until ctx ends. Joining and leaving are the
// library's; the offsets that it reads serve only to tell a lost store from a
// new partition.
func (s *Service) follow(ctx context.Context, group *kafka.ConsumerGroup) {
	var said time.Time
	for ctx.Err() == nil {
		gen, err := group.Next(ctx)
		switch {
		case ctx.Err() != nil || errors.Is(err, kafka.ErrGroupClosed):
			return
		case err != nil:
			s.joined.Store(false)
			if time.Since(said) > 10*time.Second {
				said = time.Now()
				s.log.Warn("group not joined: trying again", "group", s.Group, "error", err)
			}
			continue
		}
		s.begin(gen)
	}
}

// begin starts everything of a generation. It ends when any of its functions
// returns, so each returns only when the generation has ended.
func (s *Service) begin(gen *kafka.Generation) {
	g := &generation{service: s, quiet: make(chan struct{})}
	at := map[*lease]int64{}
	for topic, list := range gen.Assignments {
		for _, a := range list {
			index, ok := s.indexOf(topic, a.ID)
			if !ok {
				s.log.Warn("partition is new: starting again with it", "topic", topic, "partition", a.ID)
				s.grown()
				continue
			}
			l := newLease(topic, a.ID, index, len(s.shards))
			g.leases = append(g.leases, l)
			at[l] = committedOffset(a.Offset)
		}
	}
	s.generations++
	begun := s.generations // a group that was made anew counts its own from the start
	s.log.Info("generation begins", "generation", gen.ID, "partitions", len(g.leases))
	s.own(g.leases)
	for _, l := range g.leases {
		p := newPartition(&s.partitions, l, at[l])
		g.readers.Add(1)
		gen.Start(func(ctx context.Context) {
			defer g.readers.Done()
			p.run(ctx)
		})
	}
	gen.Start(func(ctx context.Context) { g.commit(ctx, gen) })
	gen.Start(g.measure)
	for _, r := range s.relaysOf(g.leases) {
		r.claim = newClaim(gen.ID, s.process)
		gen.Start(func(ctx context.Context) { r.run(ctx, begun, g.quiet) })
	}
	s.joined.Store(true)
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

// commit commits the offsets that every shard has stored, and a last time when
// the partitions have given up their leases.
func (g *generation) commit(ctx context.Context, gen *kafka.Generation) {
	t := time.NewTicker(commitEvery)
	defer t.Stop()
	last := map[*lease]int64{}
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-t.C:
			g.commitOnce(gen, last)
		}
	}
	g.service.joined.Store(false)
	g.readers.Wait()
	close(g.quiet)
	g.commitOnce(gen, last)
}

// measure keeps the lag: what is in the log and not yet in the store. It also
// looks whether the topics are still the same.
func (g *generation) measure(ctx context.Context) {
	t := time.NewTicker(commitEvery)
	defer t.Stop()
	for ctx.Err() == nil {
		g.service.recognize(ctx)
		for _, l := range g.leases {
			offset, begun := l.committed()
			_, end, err := g.service.fetch.Offsets(ctx, l.topic, l.partition)
			if begun && err == nil && ctx.Err() == nil {
				g.service.metrics.behind(l, end-offset, l.clock(), time.Now())
			}
		}
		select {
		case <-ctx.Done():
		case <-t.C:
		}
	}
	g.readers.Wait()
	for _, l := range g.leases {
		g.service.metrics.drop(l)
	}
}

func (g *generation) commitOnce(gen *kafka.Generation, last map[*lease]int64) {
	offsets := map[string]map[int]int64{}
	for _, l := range g.leases {
		offset, ok := l.committed()
		if before, said := last[l]; !ok || said && before == offset {
			continue
		}
		last[l] = offset
		if offsets[l.topic] == nil {
			offsets[l.topic] = map[int]int64{}
		}
		offsets[l.topic][l.partition] = offset
	}
	if len(offsets) == 0 {
		return
	}
	faultpoint("offsets")
	if err := gen.CommitOffsets(offsets); err != nil {
		clear(last)
		g.service.log.Debug("offsets not committed to Kafka", "generation", gen.ID, "error", err)
	}
}
