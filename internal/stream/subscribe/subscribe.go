package subscribe

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/faultpoint"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
)

// Connections are what a subscription needs of Kafka.
type Connections struct {
	Topic, Group string
	Join         func() (*kafka.ConsumerGroup, error)
	Stay         func(ctx context.Context, as Member) error // tells the group that a member is there
	Offsets      Offsets
	Source       fetch.Source
	End          func() // gives the connections back
}

// User handles the records of partitions.
type User interface {
	// Read handles the records of a partition until ctx ends, and returns when nothing of it is under way any more.
	Read(ctx context.Context, p *Partition)
}

// Subscription is one process' membership of a group.
type Subscription struct {
	kafka Connections
	start Start
	user  User
	log   *slog.Logger
	quiet retry.Throttle

	mu    sync.Mutex
	state State
}

// State is how a subscription does.
type State struct {
	Joined     bool
	Partitions int
	Answered   time.Time // when a broker last answered; zero: none has yet
	Failure    error     // of the last call that failed since then
}

// New is a subscription that Run begins. The group begins at start, if it is a new one.
func New(k Connections, start Start, user User, log *slog.Logger) *Subscription {
	return &Subscription{kafka: k, start: start, user: user, log: log}
}

// State is how it does now.
func (s *Subscription) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// Run is a member of the group until ctx ends, and then leaves it. While Kafka is away, it tries again.
func (s *Subscription) Run(ctx context.Context) {
	defer s.kafka.End()
	pause := retry.Backoff{First: 200 * time.Millisecond, Most: 5 * time.Second, Jitter: retry.Random}
	for s.settle(ctx) != nil {
		if pause.Wait(ctx); ctx.Err() != nil {
			return
		}
	}
	group, err := s.kafka.Join()
	if err != nil {
		panic("BUG: settings of the group are wrong: " + err.Error())
	}
	s.follow(ctx, group)
	_ = group.Close() // it has left, or the broker finds out by itself
}

// follow takes generations until ctx ends.
func (s *Subscription) follow(ctx context.Context, group *kafka.ConsumerGroup) {
	closed := context.AfterFunc(ctx, func() { _ = group.Close() })
	defer closed()
	for ctx.Err() == nil {
		gen, err := group.Next(ctx)
		switch {
		case ctx.Err() != nil || errors.Is(err, kafka.ErrGroupClosed):
			return
		case err != nil:
			s.failed("joining the group", err)
			continue
		}
		s.answered()
		gen.Start(func(ctx context.Context) { s.serve(ctx, gen) })
	}
}

// serve is a generation: it returns when it has ended, since that ends it.
func (s *Subscription) serve(ctx context.Context, gen *kafka.Generation) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var ids []int
	for _, a := range gen.Assignments[s.kafka.Topic] {
		ids = append(ids, a.ID)
	}
	list := s.open(ctx, ids)
	s.joined(true, len(list))
	s.log.Info("joined the group: reading", "group", s.kafka.Group, "generation", gen.ID, "partitions", len(ids))
	m := &member{Member: Member{int(gen.ID), gen.MemberID}, partitions: list, said: map[int]progress{}}
	var reading, beside sync.WaitGroup
	for _, p := range list {
		reading.Go(func() { s.user.Read(ctx, p) })
	}
	beside.Go(func() {
		s.measure(ctx, list)
		retry.Every(ctx, measureEvery, func(time.Time) { s.measure(ctx, list) })
	})
	endCommits := ticking(commitEvery, func(context.Context) { s.commit(m) })
	<-ctx.Done()
	s.joined(false, 0)
	endStaying := ticking(stayEvery, func(ctx context.Context) { s.stay(ctx, m) })
	reading.Wait()
	endCommits()
	s.commitLast(m)
	endStaying()
	beside.Wait()
}

// ticking calls f at each tick until it is ended. That waits for a call under way.
func ticking(every time.Duration, f func(ctx context.Context)) (end func()) {
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { retry.Every(ctx, every, func(time.Time) { f(ctx) }) })
	return func() {
		stop()
		running.Wait()
	}
}

const (
	// commitEvery is how soon what is done is committed. What a process does in this time comes again if it is killed.
	commitEvery = 100 * time.Millisecond
	// commitsLast is how long it is tried at the end.
	commitsLast = 3 * time.Second
	// stayEvery is how often the group is told that a member is there while it ends what is under way. The group's library does it no more.
	stayEvery = 500 * time.Millisecond
	// measureEvery is how often the ends of the logs are asked for.
	measureEvery = 2 * time.Second
)

// member is a generation's membership, in whose name offsets are committed.
type member struct {
	Member
	partitions []*Partition
	said       map[int]progress // what was committed last, by partition
}

// commit commits what has changed since it last did. It reports whether there is nothing more to commit.
func (s *Subscription) commit(m *member) bool {
	var moved []Offset
	for _, p := range m.partitions {
		offset, note, begun := p.Progress()
		now := progress{offset, note}
		if before, said := m.said[p.ID]; !begun || said && before == now {
			continue
		}
		m.said[p.ID] = now
		moved = append(moved, Offset{p.ID, now.offset, now.note})
	}
	if len(moved) == 0 {
		return true
	}
	faultpoint.Pass("notify-commit")
	if err := s.kafka.Offsets.Commit(context.Background(), m.Member, moved); err != nil { // at the end, too, when every other context is over
		clear(m.said)
		s.failed("committing offsets", err)
		return expelled(err)
	}
	s.answered()
	return true
}

// commitLast commits what was done by the end. Otherwise it would be done again.
func (s *Subscription) commitLast(m *member) {
	pause := retry.Backoff{First: 100 * time.Millisecond, Most: time.Second, Jitter: retry.Random}
	for began := time.Now(); !s.commit(m) && time.Since(began) < commitsLast; {
		pause.Wait(context.Background())
	}
}

// stay tells the group that a member is there that ends what is under way. Without it, its session would run out in that time: its
// partitions would be given away, and what it has done could not be committed.
func (s *Subscription) stay(ctx context.Context, m *member) {
	err := s.kafka.Stay(ctx, m.Member)
	if err != nil && ctx.Err() == nil && !errors.Is(err, kafka.RebalanceInProgress) { // with which the group waits for it
		s.failed("staying in the group", err)
	}
}

// expelled reports whether an error says that the group knows a member no more.
func expelled(err error) bool {
	return errors.Is(err, kafka.UnknownMemberId) || errors.Is(err, kafka.IllegalGeneration)
}

// measure asks for the ends of the logs.
func (s *Subscription) measure(ctx context.Context, list []*Partition) {
	for _, p := range list {
		_, end, err := s.kafka.Source.Offsets(ctx, s.kafka.Topic, p.ID)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			s.failed("asking for the end of the log", err)
			return
		}
		p.end.Store(end)
		s.answered()
	}
	if len(list) == 0 { // so that it is known whether brokers answer
		if _, err := s.kafka.Source.Partitions(ctx, s.kafka.Topic); err == nil {
			s.answered()
		}
	}
}

func (s *Subscription) joined(joined bool, partitions int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Joined, s.state.Partitions = joined, partitions
}

func (s *Subscription) answered() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Answered, s.state.Failure = time.Now(), nil
}

// failed notes a call of Kafka that failed, and says so now and then.
func (s *Subscription) failed(message string, err error) {
	err = explain.Kafka(err)
	s.mu.Lock()
	s.state.Failure = err
	s.mu.Unlock()
	if held, ok := s.quiet.Pass(); ok {
		s.log.Warn("kafka does not do what the sink needs: trying again", "while", message, "group", s.kafka.Group, "topic", s.kafka.Topic, "error", err, "held_back", held)
	}
}
