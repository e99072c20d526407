package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
	"github.com/seed-afe14ff2/aggregator/internal/stream/roster"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watchdog"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Options is all that the service needs to know.
type Options struct {
	Kafka
	// Program is by what the service decides at first. Reload changes it.
	Program *engine.Program
	Intake  engine.IntakeOptions
	Store   windowstore.Store
	// Shards is how many shards a new store is made with. Default 16.
	Shards int
	// Secret is the key of the fingerprints; nil: made at the first start and kept in the store.
	Secret *engine.Secret
	// RefuseLost: stand still when the store lost its fences. Default: count again
	// from where counting began.
	RefuseLost bool
	// Adopt is the group whose store this one may take over; "": none.
	Adopt string
	// MaxAge is how long a batch waits for its commit. Default 1 s.
	MaxAge time.Duration
	// MaxBatchEvents commits after so many operations of a shard; 0: no bound but the commit's.
	MaxBatchEvents int
	// CacheBytes bounds the subjects kept in memory, over all shards. Default 128 MiB.
	CacheBytes int
	// ListMost is how many rows each list of subjects near a limit has. Default 0: nothing is listed.
	ListMost int
	// CanaryEvery is the time between two canaries of a partition, where Kafka.Canary names their topic. Default 1 min.
	CanaryEvery time.Duration
	// Skip are places of the log where what cannot be read is passed over for good, when the service begins.
	Skip []partition.Skip
	// Version is the program's, for the other processes of the group and for the crossings.
	Version string
	// outboxMax is the most entries of a shard's outbox; 0: outbox.MostEntries.
	outboxMax uint64
	Registry  prometheus.Registerer
	Log       *slog.Logger
}

// The defaults of Options.
const (
	DefaultShards      = 16
	DefaultMaxAge      = time.Second
	DefaultCanaryEvery = time.Minute
)

// Service reads, counts and publishes until it is stopped. It wires: what it does is done by the values that it holds.
type Service struct {
	options    Options
	log        *slog.Logger
	metrics    *metrics.Metrics
	wait       waiter
	storeWatch *storeWatch // nil: the store has no servers
	membership *membership
	reach      *reach
	roster     *roster.Roster
	watchdog   atomic.Pointer[watchdog.Watchdog] // of the workers; nil: not prepared yet

	clients *clients
	restart context.CancelCauseFunc // ends the run, and begins it again if the cause is errGrown

	reloads reloads
	found   found    // by prepare
	workers *workers // built of it

	lags        lags // of the partitions that the process was given last
	owned       ownedShards
	given       atomic.Pointer[partitionCounts] // to the next generation, as its leader
	generations int64                           // that this process took part in
	process     uint64                          // random
}

// New checks the options. Run does the rest.
func New(o Options) *Service {
	if o.Shards == 0 {
		o.Shards = DefaultShards
	}
	if o.MaxAge == 0 {
		o.MaxAge = DefaultMaxAge
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = shard.DefaultCacheBytes
	}
	if o.CanaryEvery == 0 {
		o.CanaryEvery = DefaultCanaryEvery
	}
	m := metrics.New(o.Registry, o.Program)
	s := &Service{
		options: o, log: o.Log, metrics: m, wait: waiter{o.Log}, membership: newMembership(o.Group, m.Health, o.Log), reach: &reach{metrics: m.Kafka},
		process: shard.NewWriterID(),
	}
	s.reloads.ask(o.Program)
	s.roster = newRoster(&s.options, s.process, m)
	if c, ok := o.Store.(checker); ok {
		s.storeWatch = &storeWatch{store: c, metrics: m.Health, log: o.Log}
	}
	return s
}

// errGrown ends a run that is begun again at once: an event topic has more
// partitions than before.
var errGrown = errors.New("an event topic has new partitions")

// Run reads, counts and publishes until ctx ends, and then gives everything up in order. Partitions
// stop, shards commit, offsets are committed while relays drain, the group is left. Run waits for Kafka
// and the store to be there. The error is a reason for which it cannot run at all.
func (s *Service) Run(ctx context.Context) error {
	for {
		err := s.runOnce(ctx)
		if !errors.Is(err, errGrown) {
			return err
		}
	}
}

func (s *Service) runOnce(parent context.Context) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	s.restart = cancel
	s.clients = s.options.connect(s.reach)
	defer s.clients.close()
	var looking sync.WaitGroup
	defer looking.Wait()
	defer cancel(nil)
	looking.Go(func() { s.reach.watch(ctx, s.clients.cluster, s.options.needed()) })
	s.membership.members = s.clients.members
	if err := s.prepare(ctx); err != nil {
		if parent.Err() != nil {
			return nil
		}
		return err
	}
	inner, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var running sync.WaitGroup
	s.workers.start(inner, &running)
	running.Go(func() { s.watch(inner) })
	if s.storeWatch != nil {
		running.Go(func() { s.storeWatch.run(inner) })
	}
	running.Go(func() { s.roster.Run(ctx) }) // until the stop begins: so it takes none of its time
	err := s.consume(ctx)
	stop()
	running.Wait()
	if cause := context.Cause(ctx); parent.Err() == nil && (errors.Is(cause, errGrown) || final(cause)) {
		return cause
	}
	return err
}

// consume is a member of the group until ctx ends.
func (s *Service) consume(ctx context.Context) error {
	group, err := s.options.newGroup(balancers(&s.given, s.membership.ownStore()))
	if err != nil {
		return fmt.Errorf("join group %s: %w", s.options.Group, err)
	}
	s.follow(ctx, group)
	s.membership.left()
	err = group.Close()
	s.metrics.Given(nil, nil)
	if err != nil {
		return fmt.Errorf("leave group %s: %w", s.options.Group, err)
	}
	return nil
}

// Stalled returns, a line for each, which shards, partitions and relays do nothing though they are
// at work.
func (s *Service) Stalled() []string {
	if d := s.watchdog.Load(); d != nil {
		return d.Stalls()
	}
	return nil
}

// Kafka is the error of a Kafka of which no broker answers.
func (s *Service) Kafka() error { return s.reach.brokers(time.Now()) }

// Topics is what is wrong with the topics of the config, as last seen.
func (s *Service) Topics() error { return s.reach.missing() }

// Packs is the error of packs that are not in force yet; the note names those that are, processes that have others, and what is wrong
// with those that were read last.
func (s *Service) Packs() (note string, err error) {
	if s.watchdog.Load() == nil {
		return "", errNotInForce
	}
	if why := s.reloads.why(); why != "" {
		return s.roster.Packs() + "; those last read have faults: " + why, nil
	}
	return s.roster.Packs(), nil
}

var errNotInForce = errors.New("not in force yet")

// Membership is what is worth saying of the process' place in the group; the error is what is missing there.
func (s *Service) Membership() (note string, err error) { return s.membership.report() }

// Rates are how many records all processes together read lately, a second; nil: not known yet.
func (s *Service) Rates() *roster.Rates { return s.roster.Rates() }

// Unannounced is how many subjects of the deployment are at a level that was not announced, by rule, since rules changed; nil: not known yet.
func (s *Service) Unannounced() map[string]int { return s.roster.AllUnannounced() }
