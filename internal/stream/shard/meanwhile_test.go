package shard_test

import (
	"bytes"
	"context"

	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// meanwhile is a store that does something else before the first commit, or before the first member leaves the index.
type meanwhile struct {
	*windowstore.Mem
	commits, disarms func()
}

func (s *meanwhile) Commit(ctx context.Context, shard int, c *windowstore.Commit) (windowstore.Result, error) {
	once(&s.commits)
	return s.Mem.Commit(ctx, shard, c)
}

func (s *meanwhile) Disarm(ctx context.Context, shard int, members ...[]byte) error {
	once(&s.disarms)
	return s.Mem.Disarm(ctx, shard, members...)
}

// afterLoad is a store that does something after the first read of a key with a text in it.
type afterLoad struct {
	*windowstore.Mem
	of   string
	then func()
}

func (s *afterLoad) Load(ctx context.Context, shard int, keys, dst [][]byte) ([][]byte, error) {
	values, err := s.Mem.Load(ctx, shard, keys, dst)
	if bytes.Contains(keys[0], []byte(s.of)) {
		once(&s.then)
	}
	return values, err
}

// once calls what f points to, if there is something, and forgets it.
func once(f *func()) {
	if then := *f; then != nil {
		*f = nil
		then()
	}
}
