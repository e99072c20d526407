package verify

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/coverage"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inforce"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/settings"
)

// ErrNothingCounted is a store in which no service has counted.
var ErrNothingCounted = errors.New("the store holds nothing of a service: is it the right one, with the right redis.prefix?")

// readSettings reads what the store was made with, and writes nothing.
func (v *verification) readSettings(ctx context.Context) (engine.Secret, error) {
	kept := settings.Settings{Store: v.Store}
	var values [][]byte
	err := v.Retry(ctx, "load", 0, func() (err error) {
		values, err = v.Store.Load(ctx, 0, kept.CountedKeys(), nil)
		return err
	})
	if err != nil {
		return engine.Secret{}, err
	}
	counted, err := settings.ParseCounted(values)
	if err != nil {
		return engine.Secret{}, err
	}
	if counted.Shards == 0 {
		return engine.Secret{}, ErrNothingCounted
	}
	v.Shards = counted.Shards
	if counted.Starts != nil {
		if v.began, err = coverage.DecodeStarts(counted.Starts); err != nil {
			return engine.Secret{}, err
		}
	}
	if v.index, err = inforce.ParseIndex(counted.Rules); err != nil {
		return engine.Secret{}, err
	}
	if v.Secret != nil && counted.Secret != *v.Secret {
		return engine.Secret{}, errors.New("the store was filled with another fingerprint key than that of privacy.key_file")
	}
	return counted.Secret, nil
}

// places finds all partitions, where each is read from, and what of it was passed over.
func (v *verification) places(ctx context.Context) (from []int64, out []partition.Stretches, err error) {
	for _, topic := range v.Events {
		n, err := v.Source.Partitions(ctx, topic)
		if err != nil {
			return nil, nil, err
		}
		for p := range n {
			start, _, err := v.Source.Offsets(ctx, topic, p)
			if err == nil && !v.From.IsZero() {
				start, err = v.Source.OffsetAt(ctx, topic, p, v.From.UnixMilli())
			}
			if err != nil {
				return nil, nil, err
			}
			v.topics, from = append(v.topics, position.TopicPartition{Topic: topic, Partition: p}), append(from, start)
		}
	}
	out, err = v.passedOver(ctx)
	return from, out, err
}

// passedOver is what of each partition was passed over: what any shard says.
func (v *verification) passedOver(ctx context.Context) ([]partition.Stretches, error) {
	out := make([]partition.Stretches, len(v.topics))
	for n := range v.Shards {
		var keys [][]byte
		for _, t := range v.topics {
			keys = append(keys, v.Store.Keys().AppendSkippedKey(nil, n, t.Topic, t.Partition))
		}
		values, err := v.load(ctx, n, keys)
		if err != nil {
			return nil, err
		}
		for i, b := range values[len(v.topics):] {
			if out[i], err = out[i].With(b); err != nil {
				return nil, fmt.Errorf("shard %d: %w", n, err)
			}
		}
	}
	return out, nil
}
