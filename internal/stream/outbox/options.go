package outbox

import (
	"context"
	"log/slog"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Options is what the relays of a process share. NewOptions makes it, so that none is forgotten.
type Options struct {
	Store   windowstore.Atomic
	Keys    windowstore.Keys
	Publish Publisher
	Poll    func() time.Duration // how often the head is read when no commit wakes the relay; a second by default
	Metrics *metrics.Outbox
	Calls   *metrics.Calls // of the store
	Log     *slog.Logger
	Quiet   *retry.Throttle // of all that cannot publish
}

// NewOptions are the options of the relays of a store, with defaults.
func NewOptions(store windowstore.Store, publish Publisher, m *metrics.Metrics, log *slog.Logger) *Options {
	return &Options{
		Store: store, Keys: store.Keys(), Publish: publish, Poll: func() time.Duration { return time.Second },
		Metrics: m.Outbox, Calls: m.Calls, Log: log, Quiet: &retry.Throttle{},
	}
}

// Publisher writes crossings to the topic, in order, and returns when they are safe.
type Publisher interface {
	// LoadRecent reads the ids at the end of a partition, to be skipped, unless that
	// was done since a time, which callers count upwards.
	LoadRecent(ctx context.Context, partition int, since int64) error
	// Write sends nothing after a time; zero: it may at any time.
	Write(ctx context.Context, notAfter time.Time, partition int, entries []Entry) error
}
