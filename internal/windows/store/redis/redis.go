package redis

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Store is a store.Store in a Redis: a single server, a master watched by Sentinels,
// or a Cluster.
type Store struct {
	client goredis.UniversalClient
	name   string // addresses, or the name of a master with Sentinels
	keys   store.Keys
	calls  chan *call // those not in use
}

// New connects, and returns an error if the options are wrong or the server does not answer;
// Retryable reports whether trying again may help. Check says whether the server is fit to be the
// store.
func New(ctx context.Context, o Options) (*Store, error) {
	var err error
	for _, fault := range o.Faults() {
		err = errors.Join(err, fault)
	}
	if err != nil {
		return nil, err
	}
	// The client logs what it returns as errors anyway.
	goredis.SetLogger(&logging.VoidLogger{})
	r := &Store{
		client: o.client(),
		name:   cmp.Or(o.MasterName, strings.Join(o.Addrs, ",")),
		keys:   store.Keys{Prefix: cmp.Or(o.Prefix, store.DefaultPrefix)},
		calls:  make(chan *call, cmp.Or(o.PoolSize, 16)),
	}
	if err := r.client.Ping(ctx).Err(); err != nil {
		_ = r.client.Close() // nothing was written
		return nil, fmt.Errorf("connect to redis %s: %w", r.name, oneLine(err))
	}
	return r, nil
}

// Keys names the keys.
func (r *Store) Keys() store.Keys { return r.keys }

// Close closes the connections.
func (r *Store) Close() error {
	if err := r.client.Close(); err != nil {
		return fmt.Errorf("close redis: %w", err)
	}
	return nil
}

// Load is Store's.
func (r *Store) Load(ctx context.Context, shard int, keys, dst [][]byte) ([][]byte, error) {
	dst = dst[:0]
	for part := range slices.Chunk(keys, store.MaxCommitKeys) {
		reply, err := r.mget(ctx, part)
		if err != nil {
			return nil, fmt.Errorf("load shard %d, %d keys: %w", shard, len(part), err)
		}
		dst = appendValues(dst, reply)
	}
	return dst, nil
}

func (r *Store) mget(ctx context.Context, keys [][]byte) ([]any, error) {
	c := r.take()
	defer r.give(c)
	c.begin("mget")
	c.addKeys(keys)
	reply, err := r.do(ctx, 1, c.args)
	if err != nil {
		return nil, err
	}
	values, ok := reply.([]any)
	if !ok || len(values) != len(keys) {
		return nil, fmt.Errorf("unexpected reply %T", reply)
	}
	return values, nil
}

// appendValues appends a copy of each string of an MGET's reply, nil for a nil.
// The copies share one allocation.
func appendValues(dst [][]byte, reply []any) [][]byte {
	total := 0
	for _, v := range reply {
		s, _ := v.(string)
		total += len(s)
	}
	buf := make([]byte, 0, total)
	for _, v := range reply {
		var out []byte
		if s, ok := v.(string); ok {
			n := len(buf)
			buf = append(buf, s...)
			out = buf[n:len(buf):len(buf)]
		}
		dst = append(dst, out)
	}
	return dst
}

// ScanRecords is Store's.
func (r *Store) ScanRecords(ctx context.Context, f func(shard int, key []byte) bool, pause func()) error {
	pattern := string(r.keys.AppendRecordPattern(nil))
	var prefix []byte
	record := func(key []byte) bool {
		shard, _, _, ok := r.keys.ParseRecordKey(key)
		if !ok {
			return true
		}
		prefix = r.keys.AppendRecordPrefix(prefix[:0], shard)
		return !bytes.HasPrefix(key, prefix) || f(shard, key) // 7 is not written {7}, and so not ours
	}
	nodes, err := r.masters(ctx)
	for _, node := range nodes {
		goes, failed := scanNode(ctx, node, pattern, record, pause)
		if err = errors.Join(err, failed); !goes && failed == nil {
			break
		}
	}
	if err != nil {
		r.lookAgain(ctx, err)
		return fmt.Errorf("scan records: %w", err)
	}
	return nil
}

// masters are the clients of all masters.
func (r *Store) masters(ctx context.Context) (all []*goredis.Client, err error) {
	var mu sync.Mutex
	err = r.eachMaster(ctx, func(_ context.Context, _ string, c *goredis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, c)
		return nil
	})
	return all, err
}

// scanNode calls f with the keys of a server that match a pattern, and reports whether it always went on.
func scanNode(ctx context.Context, node goredis.Cmdable, pattern string, f func(key []byte) bool, pause func()) (goes bool, err error) {
	const count = 1000 // keys looked at in one call: some 0.2 ms of Redis
	for cursor := uint64(0); ; {
		var keys []string
		if keys, cursor, err = node.Scan(ctx, cursor, pattern, count).Result(); err != nil {
			return false, fmt.Errorf("look for %s: %w", pattern, err)
		}
		for _, key := range keys {
			if !f([]byte(key)) {
				return false, nil
			}
		}
		if pause != nil {
			pause()
		}
		if cursor == 0 {
			return true, nil
		}
	}
}

// Put is Store's.
func (r *Store) Put(ctx context.Context, shard int, key, value []byte) error {
	if _, err := r.do(ctx, 1, []any{"set", key, value}); err != nil {
		return fmt.Errorf("put in shard %d: %w", shard, err)
	}
	return nil
}

// PutAbsent is Store's. SET with NX and GET would do it in one command, from Redis 7.0 on.
func (r *Store) PutAbsent(ctx context.Context, shard int, key, value []byte) ([]byte, error) {
	// A key that is there and then is not was deleted in between.
	for {
		set, err := r.do(ctx, 1, []any{"setnx", key, value})
		if err == nil && set == int64(1) {
			return append([]byte{}, value...), nil
		}
		var present any
		if err == nil {
			present, err = r.do(ctx, 1, []any{"get", key})
		}
		if err != nil {
			return nil, fmt.Errorf("put in shard %d: %w", shard, err)
		}
		if s, ok := present.(string); ok {
			return []byte(s), nil
		}
	}
}

// Delete is Store's. Memory is given back in the background.
func (r *Store) Delete(ctx context.Context, shard int, keys ...[]byte) error {
	for part := range slices.Chunk(keys, store.MaxCommitKeys) {
		if err := r.unlink(ctx, part); err != nil {
			return fmt.Errorf("delete in shard %d, %d keys: %w", shard, len(part), err)
		}
	}
	return nil
}

func (r *Store) unlink(ctx context.Context, keys [][]byte) error {
	c := r.take()
	defer r.give(c)
	c.begin("unlink")
	c.addKeys(keys)
	_, err := r.do(ctx, 1, c.args)
	return err
}

// Ping is Store's. It sends a write that never changes anything (a SET, only if the key exists, of
// a key that never does). A server that is a replica, full, loading, short of replicas or unable to
// save refuses it. On a Cluster it asks for 64 shards, which reach every node.
func (r *Store) Ping(ctx context.Context) error {
	shards := 1
	if _, ok := r.client.(*goredis.ClusterClient); ok {
		shards = 64
	}
	cmds, err := r.client.Pipelined(ctx, func(p goredis.Pipeliner) error {
		for shard := range shards {
			p.Do(ctx, "set", r.keys.AppendPingKey(nil, shard), "", "xx")
		}
		return nil
	})
	for _, cmd := range cmds {
		if err := cmd.Err(); err != nil && !errors.Is(err, goredis.Nil) {
			return fmt.Errorf("ping redis %s: %w", r.name, oneLine(err))
		}
	}
	if err != nil && !errors.Is(err, goredis.Nil) {
		return fmt.Errorf("ping redis %s: %w", r.name, oneLine(err))
	}
	return nil
}
