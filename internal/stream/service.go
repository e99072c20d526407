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
	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/janitor"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watchdog"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watermark"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Options is all that the service needs to know.
type Options struct {
	Kafka
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
	// Skip are places of the log where what cannot be read is passed over for good, when the service begins.
	Skip []partition.Skip
	// outboxMax is the most entries of a shard's outbox; 0: outboxMost.
	outboxMax uint64
	Registry  prometheus.Registerer
	Log       *slog.Logger
}

// The defaults of Options.
const (
	DefaultShards = 16
	DefaultMaxAge = time.Second
)

// Service reads, counts and publishes until it is stopped.
type Service struct {
	Options
	log           *slog.Logger
	metrics       *metrics.Metrics
	cluster       fetch.Cluster    // Kafka, by fetch
	source        fetch.Source     // Kafka, by fetch
	transport     *kafka.Transport // of fetch, for the group
	members       func(ctx context.Context) (census, error)
	writer        *outbox.Producer // of crossings
	deadWriter    *outbox.Producer // of dead letters
	publisher     *outbox.KafkaPublisher
	topics        []position.TopicPartition // all partitions of all event topics
	topicIDs      map[string]fetch.TopicID
	deployment    *deployment
	offsets       groupOffsets
	begins        begins
	outPartitions int
	alignment     *watermark.Alignment
	shards        []*shard.Shard
	in            []chan shard.Message
	relays        []*outbox.Relay
	partitions    *partition.Shared
	coverage      *shard.Coverage
	watchdog      atomic.Pointer[watchdog.Watchdog] // nil: not prepared yet
	storeWatch    *storeWatch                       // nil: the store has no servers
	joined        atomic.Bool
	census        atomic.Pointer[census] // of the group, as last seen; nil: not yet
	strangersSaid string                 // by the log; of the goroutine that looks
	splitSaid     string                 // the same of members with another store
	storeName     string                 // see storeName
	// holds and partitionsKnown are how many partitions the process has, and how many there are.
	holds, partitionsKnown atomic.Int64
	given                  atomic.Pointer[partitionCounts] // to the next generation, as its leader
	generations            int64                           // that this process took part in
	process                uint64                          // random

	mu      sync.Mutex
	owned   map[int]bool // shards whose relay and sweep are ours
	restart context.CancelCauseFunc
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
	s := &Service{Options: o, log: o.Log, metrics: metrics.New(o.Registry, o.Program), process: shard.NewWriterID(), owned: map[int]bool{}}
	if c, ok := o.Store.(checker); ok {
		s.storeWatch = &storeWatch{store: c, metrics: s.metrics, log: o.Log}
	}
	return s
}

// errGrown ends a run that is begun again at once: an event topic has more
// partitions than before.
var errGrown = errors.New("an event topic has new partitions")

// Run reads, counts and publishes until ctx ends, and then gives everything up
// in order: partitions stop, shards commit, offsets are committed, the group is
// left, relays drain. It waits for Kafka and the store to be there. The error is a reason
// for which it cannot run at all.
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
	s.connect()
	defer s.disconnect()
	if err := s.prepare(ctx); err != nil {
		if parent.Err() != nil {
			return nil
		}
		return err
	}
	inner, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var workers sync.WaitGroup
	for i, sh := range s.shards {
		workers.Go(func() { sh.Serve(inner, s.in[i]) })
	}
	workers.Go(func() { s.sweeper().Serve(inner) })
	if s.storeWatch != nil {
		workers.Go(func() { s.storeWatch.run(inner) })
	}
	workers.Go(func() { s.watchdog.Load().Run(inner) })
	err := s.consume(ctx)
	stop()
	workers.Wait()
	var fatal *finalError
	if cause := context.Cause(ctx); parent.Err() == nil && (errors.Is(cause, errGrown) || errors.As(cause, &fatal)) {
		return cause
	}
	return err
}

// consume is a member of the group until ctx ends.
func (s *Service) consume(ctx context.Context) error {
	group, err := s.newGroup()
	if err != nil {
		return fmt.Errorf("join group %s: %w", s.Group, err)
	}
	s.follow(ctx, group)
	s.joined.Store(false)
	if err := group.Close(); err != nil {
		return fmt.Errorf("leave group %s: %w", s.Group, err)
	}
	return nil
}

// grown makes Run begin again, with the topics' new partitions.
func (s *Service) grown() { s.restart(errGrown) }

// Stalled tells, a line for each, which shards, partitions and relays do nothing though they are at work.
func (s *Service) Stalled() []string {
	if d := s.watchdog.Load(); d != nil {
		return d.Stalls()
	}
	return nil
}

func (s *Service) indexOf(topic string, partition int) (int, bool) {
	for i, t := range s.topics {
		if t.Topic == topic && t.Partition == partition {
			return i, true
		}
	}
	return 0, false
}

// own notes which shards go with the assignments: the relay and the sweep of shard n are
// its whose is partition n modulo the partitions of the first topic.
func (s *Service) own(leases []*shard.Assignment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.owned)
	for _, l := range leases {
		for n := range s.shards {
			if s.topics[n%s.firstPartitions()] == l.At() {
				s.owned[n] = true
			}
		}
	}
	others := 0
	if len(leases) > 0 && len(leases) < len(s.topics) {
		others = (len(s.topics)+len(leases)-1)/len(leases) - 1
	}
	for _, sh := range s.shards {
		sh.Peers.Store(int64(others))
	}
}

func (s *Service) firstPartitions() int {
	n := 0
	for n < len(s.topics) && s.topics[n].Topic == s.topics[0].Topic {
		n++
	}
	return n
}

func (s *Service) owns(shard int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.owned[shard]
}

func (s *Service) relaysOwned() []*outbox.Relay {
	var list []*outbox.Relay
	for n, r := range s.relays {
		if s.owns(n) {
			list = append(list, r)
		}
	}
	return list
}

// wakeRelay wakes the relay of a shard after a commit with crossings.
func (s *Service) wakeRelay(shard int) {
	s.relays[shard].Wake.Raise()
}

// pollEvery is how often a relay reads the outbox's head: other processes
// commit crossings to the shards that this one publishes.
func (s *Service) pollEvery() time.Duration {
	if s.shards[0].Peers.Load() > 0 {
		return 20 * time.Millisecond
	}
	return time.Second
}

func (s *Service) sweeper() *janitor.Janitor {
	return &janitor.Janitor{
		Options: s.shards[0].Options, Shards: s.shards, In: s.in, Owned: s.owns, Step: janitor.SweepMost, Rest: janitor.Rest,
		Recompute: janitor.RecomputeMost, Armed: make([]int, len(s.shards)),
	}
}
