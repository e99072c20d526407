package preflight

import (
	"context"
	"strings"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/stream"
	"github.com/seed-afe14ff2/aggregator/internal/stream/settings"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
	redisstore "github.com/seed-afe14ff2/aggregator/internal/windows/store/redis"
)

// checkRedis looks at the store, by reading and writing there. The topic of crossings has so many partitions; 0: it is not known.
func checkRedis(ctx context.Context, r *report, o *Options, crossings int) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	store, err := redisstore.New(ctx, o.Redis)
	if err != nil {
		r.fail("%v", explain.Store(err))
		return
	}
	defer func() { _ = store.Close() }() // nothing was written
	if err := store.Ping(ctx); err != nil {
		r.fail("%v", explain.Store(err))
	} else if err := store.Try(ctx); err != nil {
		r.fail("%v", explain.Store(err))
	} else {
		r.fine("redis %s: reads, writes and runs the script of commits", strings.Join(o.Redis.Addrs, ","))
	}
	checkOwner(ctx, r, o, store)
	checkMade(ctx, r, o, store, crossings)
	servers, err := store.Check(ctx)
	for _, s := range servers {
		say := r.fine
		if len(s.Warnings) > 0 {
			say = r.warn
		}
		say("redis %s: version %s, %s, maxmemory-policy %s, %s",
			s.Addr, known(s.Version), known(s.Role), known(s.Policy), durability(s.Fsync))
		for _, w := range s.Warnings {
			r.warn("redis %s: %s", s.Addr, w)
		}
	}
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			r.fail("%s", line)
		}
	}
}

// checkOwner checks whether the store is another deployment's.
func checkOwner(ctx context.Context, r *report, o *Options, store windowstore.Store) {
	switch group, err := stream.CheckOwner(ctx, &o.Kafka, store); {
	case err != nil:
		r.fail("redis.prefix %s: %v", o.Redis.Prefix, err)
	case group == "":
		r.fine("redis.prefix %s: nothing is stored yet", o.Redis.Prefix)
	default:
		r.fine("redis.prefix %s: belongs to group %s", o.Redis.Prefix, group)
	}
	if err := stream.CheckGroup(ctx, &o.Kafka, store); err != nil {
		r.fail("redis.prefix %s: %v", o.Redis.Prefix, err)
	}
}

// checkMade checks whether what may not change is as it was when the store was made.
func checkMade(ctx context.Context, r *report, o *Options, store windowstore.Store, crossings int) {
	chosen := &settings.Chosen{Shards: o.Shards, Secret: o.Secret, Crossings: o.Kafka.Crossings, Partitions: crossings}
	if err := (settings.Settings{Store: store}).Compare(ctx, chosen); err != nil {
		r.fail("redis.prefix %s: %v", o.Redis.Prefix, explain.Store(err))
	}
}

// durability is how a server keeps what is written.
func durability(fsync string) string {
	if fsync == "off" {
		return "appendonly no"
	}
	return "appendfsync " + known(fsync)
}

func known(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
