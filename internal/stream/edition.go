package stream

import (
	"context"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/coverage"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inforce"
	"github.com/seed-afe14ff2/aggregator/internal/stream/listing"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
)

// edition is all that goes with the rules by which a process decides: whatever has numbers of their counters, or of the rules
// themselves. A reload makes another one.
type edition struct {
	program  *engine.Program
	rules    inforce.Rules
	coverage *coverage.Coverage // since when its counters are kept
	shards   *shard.Options
	changed  bool // some partition was decided by other rules last
}

// lister writes the lists of subjects near a limit; nil: nothing is listed.
func (e *edition) lister() *listing.Lister { return e.shards.Listing }

// deciding is by what partitions decide.
func (e *edition) deciding() partition.Deciding {
	return partition.Deciding{Program: e.program, Rules: e.rules.ID(), Enact: e.coverage.Enact}
}

// keep keeps in the store by which rules an edition decides, before it does.
func (s *Service) keep(ctx context.Context, e *edition) error {
	return s.wait.untilStored(ctx, func() error { return s.noteRules(ctx, e) })
}

func (s *Service) noteRules(ctx context.Context, e *edition) error {
	return inforce.Kept{Store: s.options.Store}.Keep(ctx, &e.rules, e.program.Packs(), time.Now())
}

// cover finds out since when an edition's counters are kept, before anything is counted by it.
func (s *Service) cover(ctx context.Context, e *edition) error {
	e.coverage = coverage.NewCoverage(s.options.Store, e.program, s.found.topics, s.options.Shards, s.options.Intake.MaxAhead, s.log)
	return s.wait.untilStored(ctx, func() error { return loadCoverage(ctx, e.coverage, s.options.Store, s.found.topics) })
}

// complete makes the options of the shards of an edition, from those of another one.
func (s *Service) complete(e *edition, from *shard.Options) {
	e.shards = from.By(e.program, e.coverage, s.newLister(e.program, from.Writer), func(ctx context.Context) error { return s.rewriteSettings(ctx, e) })
}

func (s *Service) newLister(p *engine.Program, writer uint64) *listing.Lister {
	if s.options.ListMost == 0 {
		return nil
	}
	return listing.New(listing.Options{
		Program: p, Store: s.options.Store, Shards: s.options.Shards, Writer: writer, Most: s.options.ListMost, Metrics: s.metrics.Lists, Calls: s.metrics.Calls,
	})
}

// inForce tells those who wait for it that an edition is in force.
func (s *Service) inForce(e *edition) {
	s.metrics.InForce(e.program, time.Now())
	if s.roster != nil { // a simulated process has none
		s.roster.Reload(PacksOf(e.program))
	}
	s.reloads.enact(e.program, s.found.topics)
}
