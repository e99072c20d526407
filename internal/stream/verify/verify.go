package verify

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
)

// Run reads the log again, counts it in memory, and compares every counter
// and level with what is stored. The service may be running: each shard is compared
// at the places up to which its fences say that it has counted.
func Run(ctx context.Context, o Options) (Result, error) {
	v := &verification{Options: &o}
	v.Retrier = metrics.NewRetrier(metrics.New(prometheus.NewRegistry(), o.Program), o.Log)
	v.clears = engine.Applier{Program: o.Program, Emit: engine.Discard}
	secret, err := v.readSettings(ctx)
	if err != nil {
		return v.Result, err
	}
	from, out, err := v.places(ctx)
	if err != nil {
		return v.Result, err
	}
	past, err := v.readEras(ctx)
	if err != nil {
		return v.Result, err
	}
	v.recount = newRecount(&recountOptions{
		program: o.Program, intake: o.Intake, source: o.Source, secret: secret, shards: o.Shards, topics: v.topics, from: from, out: out, eras: past, log: o.Log,
	})
	defer v.recount.close()
	err = v.run(ctx)
	v.Records = v.recount.taken
	for _, p := range v.recount.partitions {
		v.Shortened = v.Shortened || p.Shortened()
	}
	return v.Result, err
}

// ErrOtherTopics is a store whose service reads other topics, or has not read these.
var ErrOtherTopics = errors.New("the store holds no place in any of the topics: is kafka.events that of the service?")

// run reads the log up to the fences, and then takes one shard after the other.
func (v *verification) run(ctx context.Context) error {
	v.limits = make([][]position.Position, v.Shards)
	first, compare := 0, v.compareAll
	if v.Only != nil {
		first, compare = v.leaveOthers(), v.compareOnly
	}
	if err := v.refresh(ctx, first); err != nil {
		return err
	}
	if !v.fenceSeen {
		return fmt.Errorf("%w (%s)", ErrOtherTopics, strings.Join(v.Events, ", "))
	}
	if err := compare(ctx); err != nil {
		return err
	}
	if err := v.unchanged(ctx); err != nil {
		return err
	}
	return v.grown(ctx)
}

// compareAll compares one shard after the other.
func (v *verification) compareAll(ctx context.Context) error {
	if err := v.findExtraRecords(ctx); err != nil {
		return err
	}
	for n := range v.Shards {
		if err := v.refresh(ctx, n); err != nil {
			return err
		}
		if err := v.compareShard(ctx, n); err != nil {
			return fmt.Errorf("shard %d: %w", n, err)
		}
		v.recount.forget(n)
	}
	return nil
}

// grown refuses what was found while a topic got new partitions: they were not read.
func (v *verification) grown(ctx context.Context) error {
	all := 0
	for _, topic := range v.Events {
		n, err := v.Source.Partitions(ctx, topic)
		if err != nil {
			return err
		}
		all += n
	}
	if all > len(v.topics) {
		return errors.New("a topic got new partitions while it was verified: verify again")
	}
	return nil
}
