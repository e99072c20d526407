package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Try carries out every command that the store is made of. So a command that is renamed, or not
// allowed to the user, is found before the service meets it. What it writes is under a key that
// nothing else uses, and is deleted again: who runs on the same store is not disturbed. On a
// Cluster it tries so many shards as reach every node.
func (r *Store) Try(ctx context.Context) error {
	shards := 1
	if r.onCluster() {
		shards = tryShards
	}
	for shard := range shards {
		for _, t := range r.trials(shard) {
			if err := t.f(ctx); err != nil {
				return fmt.Errorf("redis %s: %s: %w", r.name, t.what, err)
			}
		}
	}
	if err := r.tryScan(ctx); err != nil {
		return fmt.Errorf("redis %s: SCAN: %w", r.name, err)
	}
	return nil
}

// tryShards reach every node of a Cluster.
const tryShards = 64

// trial is a use of the store.
type trial struct {
	what string // the commands that it takes
	f    func(context.Context) error
}

// trials are all of them, for a shard. The last leaves nothing in the store.
func (r *Store) trials(shard int) []trial {
	key := r.keys.AppendTryKey(nil, shard)
	do := func(args ...any) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := r.do(ctx, 1, args)
			return err
		}
	}
	return []trial{
		{"SET, SETNX, GET", func(ctx context.Context) error {
			if err := r.Put(ctx, shard, key, []byte("1")); err != nil {
				return err
			}
			_, err := r.PutAbsent(ctx, shard, key, []byte("1"))
			return err
		}},
		{"MGET", func(ctx context.Context) error {
			_, err := r.Load(ctx, shard, [][]byte{key}, nil)
			return err
		}},
		{"EVAL", func(ctx context.Context) error {
			_, err := r.do(ctx, 3, []any{"eval", "return redis.call('MGET', KEYS[1])", 1, key})
			return err
		}},
		{"a commit (EVALSHA and EVAL of a script that calls MGET, MSET and UNLINK)", func(ctx context.Context) error { return r.tryCommits(ctx, shard, key) }},
		// With XX nothing is added; and an index with nothing left is gone.
		{"ZADD", do("zadd", r.keys.AppendArmedKey(nil, shard), "xx", 0, "try")},
		{"ZREM", do("zrem", r.keys.AppendArmedKey(nil, shard), "try")},
		{"ZRANGEBYSCORE", do("zrangebyscore", r.keys.AppendArmedKey(nil, shard), "-inf", "-inf", "limit", 0, 1)},
		{"SADD, ZADD, HSET, ZMSCORE, HMGET, ZCOUNT, ZRANGE, HSCAN, ZREM, HDEL, SMEMBERS and SREM of lists", func(ctx context.Context) error { return r.tryList(ctx, shard) }},
		{"UNLINK", func(ctx context.Context) error { return r.Delete(ctx, shard, key) }},
	}
}

// tryCommits writes the key and deletes it, as commits do.
func (r *Store) tryCommits(ctx context.Context, shard int, key []byte) error {
	none := slices.Concat(key, []byte(":none")) // never there
	same := []store.Fence{{Key: none}}
	for _, c := range []*store.Commit{{Fences: same, Puts: []store.Put{{Key: key, Value: []byte("2")}}}, {Fences: same, Deletes: [][]byte{key}}} {
		result, err := r.Commit(ctx, shard, c)
		if err == nil && result.Outcome != store.Done {
			err = fmt.Errorf("the script does not do what it should: answer %d", result.Outcome)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tryList makes a list of a rule that there is not, asks for its row, and deletes it.
func (r *Store) tryList(ctx context.Context, shard int) error {
	const rule = "TRY" // no pack may name it so
	row := store.RowChange{RowName: store.RowName{Rule: rule, ID: []byte("try")}, Sights: []byte("1")}
	gone := row
	gone.Gone = true
	if err := r.List(ctx, shard, row); err != nil {
		return err
	}
	_, err := r.LookUp(ctx, shard, row.RowName)
	_, err2 := r.Rows(ctx, store.RowsAsked{Shard: shard, Rule: rule, From: store.Place{ID: row.ID}, Limit: 1})
	_, err3 := r.Lists(ctx, shard)
	_, err4 := r.Sights(ctx, shard, row.RowName)
	_, err5 := r.CountRows(ctx, store.RowsCounted{Shard: shard, Rule: rule})
	_, err6 := r.DropStrays(ctx, shard, rule, 0)
	return errors.Join(err, err2, err3, err4, err5, err6, r.List(ctx, shard, gone), r.DropList(ctx, shard, rule))
}

// tryScan takes one small step of a scan, at every master.
func (r *Store) tryScan(ctx context.Context) error {
	nodes, err := r.masters(ctx)
	for _, node := range nodes {
		err = errors.Join(err, node.Scan(ctx, 0, "", 1).Err())
	}
	return err
}
