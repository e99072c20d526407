package canary

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
)

// Options is what canaries need to know.
type Options struct {
	Every   time.Duration        // between two canaries of a partition
	Events  string               // the topic that they are sent to
	Topic   string               // where their crossings go
	Secret  engine.Secret        // of the store: who has it can make canaries that are counted
	Writer  outbox.MessageWriter // of canaries, and of their crossings
	Source  fetch.Source         // reads their topic
	Message func(e *outbox.Entry, partition int) kafka.Message
	Metrics *metrics.Canary
	Log     *slog.Logger
}

// Canaries are those of a process.
type Canaries struct {
	Options
	out                         chan kafka.Message // crossings on their way to their topic
	unsent, unpublished, unread retry.Throttle     // what is said of all partitions

	mu   sync.Mutex
	next map[int]time.Time   // when the next one is due, by partition
	away map[string]departed // sent and not back, by id
}

// departed is a canary that was sent.
type departed struct {
	partition int
	at        time.Time
}

// New makes the canaries of a process. None is sent before Serve.
func New(o Options) *Canaries {
	o.Metrics.Every(o.Every)
	return &Canaries{Options: o, out: make(chan kafka.Message, outMost), next: map[int]time.Time{}, away: map[string]departed{}}
}

// Lags is how far events come after their time, by the partitions of a generation.
type Lags map[int]func() time.Duration

// Serve sends canaries to the partitions that a generation of the group gave the process, and reads them back, until ctx ends.
func (c *Canaries) Serve(ctx context.Context, lags Lags) {
	partitions := slices.Sorted(maps.Keys(lags))
	c.Metrics.Own(partitions, time.Now())
	var running sync.WaitGroup
	defer running.Wait()
	if len(partitions) > 0 {
		running.Go(func() { c.readBack(ctx) })
	}
	for _, p := range partitions {
		running.Go(func() { c.sendAll(ctx, p, lags[p]) })
	}
	<-ctx.Done()
}
