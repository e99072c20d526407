package shard

import (
	"context"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/coverage"
	"github.com/seed-afe14ff2/aggregator/internal/stream/listing"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watermark"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Options is what the shards of a process share. NewOptions makes it, so that none is forgotten.
type Options struct {
	Program       *engine.Program
	Store         windowstore.Store
	Keys          windowstore.Keys
	Writer        uint64        // this process, for the records' last writer; random by default
	Secret        engine.Secret // none by default
	Partitions    []position.TopicPartition
	OutboxMax     uint64                // entries of a shard's outbox at which reading stops; outbox.MostEntries by default
	OutboxFullLog *retry.Throttle       // of all shards whose outbox is full
	Producer      string                // what crossings say has found them; "": they do not say
	OutboxFormat  func() outbox.Formats // what all who may publish entries read; outbox.OldestFormats by default
	Shadow        bool                  // crossings of shadow rules are published, by an outbox of their own; false by default: they are only counted
	CacheBytes    int                   // of the subjects that a shard keeps in memory between batches; DefaultCacheBytes by default
	Policy
	Alignment       *watermark.Alignment
	metrics.Retrier // and log
	Metrics         *metrics.Shards
	Hooks
	Callbacks
	// Listing is given what is to be listed as near a limit; nil, as by default: nothing is.
	Listing *listing.Lister
	Silent  bool // no crossing goes to the outbox, as in a recount; false by default
	// Settings is what shard 0 looks after. By default nobody does.
	Settings Settings
}

// Callbacks are called when things happen. By default there are none.
type Callbacks struct {
	OnCrossings func(shard int)                               // after a commit that has crossings
	OnApply     func(a *engine.Applier, e *Entry, o *ChunkOp) // before each operation is applied
}

// Settings is what is stored once, for all shards.
type Settings struct {
	// Kept reports whether shard 0 looks after them. That of a service does, that of a recount does not.
	Kept     bool
	Coverage *coverage.Coverage              // nil: every counter was kept from the start
	Rewrite  func(ctx context.Context) error // puts the store's settings back, where they are absent
	Disowned func(owner []byte) error        // by the owner as stored: an error if the store is another deployment's
}

// NewOptions are the options of the shards over a store, with defaults.
func NewOptions(p *engine.Program, store windowstore.Store, partitions []position.TopicPartition, a *watermark.Alignment, r metrics.Retrier, m *metrics.Shards) *Options {
	return &Options{
		Program: p, Store: store, Keys: store.Keys(), Writer: NewWriterID(), Partitions: partitions,
		OutboxMax: outbox.MostEntries, OutboxFullLog: &retry.Throttle{}, OutboxFormat: outbox.OldestFormats, CacheBytes: DefaultCacheBytes,
		Policy:    Policy{MaxAge: time.Second, KeptMax: KeptOperations, EventKeys: p.KeysPerEvent},
		Alignment: a, Retrier: r, Metrics: m, Hooks: realHooks(),
	}
}

// By is the options of the same shards by other rules: their program, since when its counters are kept, what writes its lists, and what
// puts the settings back.
func (o *Options) By(p *engine.Program, c *coverage.Coverage, l *listing.Lister, rewrite func(context.Context) error) *Options {
	x := *o
	x.Program, x.EventKeys, x.Listing = p, p.KeysPerEvent, l
	x.Settings.Coverage, x.Settings.Rewrite = c, rewrite
	return &x
}

// recordGone reports a record of a shard that is gone from the store though the shard's fences are
// there.
func (o *Options) recordGone(shard int, what string) {
	o.Metrics.RecordGone()
	o.Log.Warn("record is gone from the store: counted anew", "shard", shard, "record", what)
}
