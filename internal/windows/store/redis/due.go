package redis

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Arm is Store's.
func (r *Store) Arm(ctx context.Context, shard int, due ...store.Due) error {
	return r.arm(ctx, shard, due)
}

// ArmAbsent is Store's.
func (r *Store) ArmAbsent(ctx context.Context, shard int, due ...store.Due) error {
	return r.arm(ctx, shard, due, "nx")
}

func (r *Store) arm(ctx context.Context, shard int, due []store.Due, options ...any) error {
	for part := range slices.Chunk(due, store.MaxCommitKeys) {
		args := append([]any{"zadd", r.keys.AppendArmedKey(nil, shard)}, options...)
		for i := range part {
			args = append(args, part[i].Unix, part[i].Member)
		}
		if _, err := r.do(ctx, 1, args); err != nil {
			return fmt.Errorf("arm shard %d, %d members: %w", shard, len(part), err)
		}
	}
	return nil
}

// Disarm is Store's.
func (r *Store) Disarm(ctx context.Context, shard int, members ...[]byte) error {
	for part := range slices.Chunk(members, store.MaxCommitKeys) {
		args := []any{"zrem", r.keys.AppendArmedKey(nil, shard)}
		for _, member := range part {
			args = append(args, member)
		}
		if _, err := r.do(ctx, 1, args); err != nil {
			return fmt.Errorf("disarm shard %d, %d members: %w", shard, len(part), err)
		}
	}
	return nil
}

// Armed is Store's.
func (r *Store) Armed(ctx context.Context, shard int, upTo int64, limit int) ([]store.Due, error) {
	key := r.keys.AppendArmedKey(nil, shard)
	reply, err := r.do(ctx, 1, []any{"zrangebyscore", key, "-inf", upTo, "withscores", "limit", 0, limit})
	if err != nil {
		return nil, fmt.Errorf("armed of shard %d: %w", shard, err)
	}
	pairs, _ := reply.([]any)
	due := make([]store.Due, 0, len(pairs)/2)
	for pair := range slices.Chunk(pairs, 2) {
		d, err := parseDue(pair)
		if err != nil {
			return nil, fmt.Errorf("armed of shard %d: %w", shard, err)
		}
		due = append(due, d)
	}
	return due, nil
}

// parseDue reads a member and its score.
func parseDue(pair []any) (store.Due, error) {
	if len(pair) == 2 {
		member, isMember := pair[0].(string)
		score, _ := pair[1].(string)
		// A score is a double, and shown in exponents when large.
		if unix, err := strconv.ParseFloat(score, 64); err == nil && isMember {
			return store.Due{Member: []byte(member), Unix: int64(unix)}, nil
		}
	}
	return store.Due{}, fmt.Errorf("unexpected reply %v", pair)
}
