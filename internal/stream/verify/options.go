package verify

import (
	"log/slog"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Options is what Verify needs to know.
type Options struct {
	// Source has the log of the topics Events.
	Source  fetch.Source
	Events  []string
	Program *engine.Program
	Intake  engine.IntakeOptions
	Store   windowstore.Store // only read
	// Shards is how many shards the store has; 0: as the store says.
	Shards int
	// Secret is the key of the fingerprints; nil: the one in the store.
	Secret *engine.Secret
	// From is where the log is read from, by its Kafka timestamps; zero: its start.
	From time.Time
	// Progress is called now and then with how many offsets were read, and of how many.
	Progress func(done, all int64)
	// Found is called with each difference.
	Found func(Difference)
	// Only is the one subject to compare; nil: all.
	Only *Only
	Log  *slog.Logger
}

// Only names a subject.
type Only struct {
	Kind thresholds.Kind
	ID   string
	// Told is called with what both sides have of it, for each rule of its kind, whether they agree or not.
	Told func(Finding)
}
