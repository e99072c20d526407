package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/stream"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
	redisstore "github.com/seed-afe14ff2/aggregator/internal/windows/store/redis"
)

// liveTimeout bounds what is asked of Kafka, and what is asked of Redis.
const liveTimeout = 15 * time.Second

// findings prints what was found of the servers, and remembers whether
// something keeps the service from running.
type findings struct {
	*session
	failed, warned int
}

func (f *findings) fine(format string, args ...any) {
	fmt.Fprintf(f.out, "ok: "+format+"\n", args...)
}

func (f *findings) warn(format string, args ...any) {
	f.warned++
	fmt.Fprintf(f.err, "warning: "+format+"\n", args...)
}

func (f *findings) fail(format string, args ...any) {
	f.failed++
	fmt.Fprintf(f.err, "failed: "+format+"\n", args...)
}

// checkLive looks at the servers of a config. The packs say how long events are needed.
func checkLive(ctx context.Context, s *session, c *config, packs []*thresholds.Pack) error {
	f := &findings{session: s}
	f.kafka(ctx, c, longestWindow(packs))
	f.redis(ctx, c)
	return f.verdict()
}

// longestWindow is that of the rules which have one, with its step.
func longestWindow(packs []*thresholds.Pack) (longest time.Duration) {
	for _, p := range packs {
		for _, r := range p.Rules {
			longest = max(longest, time.Duration(r.Window+r.Step)*time.Second)
		}
	}
	return longest
}

// verdict is the last line, after all that was found.
func (f *findings) verdict() error {
	switch {
	case f.failed > 0:
		fmt.Fprintf(f.err, "check: the service cannot run so: failed %d, warnings %d\n", f.failed, f.warned)
		return errTold
	case f.warned > 0:
		fmt.Fprintf(f.err, "check: the service can run: warnings %d\n", f.warned)
	default:
		fmt.Fprintln(f.err, "check: the service can run")
	}
	return nil
}

func (f *findings) redis(ctx context.Context, c *config) {
	ctx, cancel := context.WithTimeout(ctx, liveTimeout)
	defer cancel()
	store, err := redisstore.New(ctx, c.redis)
	if err != nil {
		f.fail("%v", explain.Store(err))
		return
	}
	defer func() { _ = store.Close() }() // nothing was written
	if err := store.Ping(ctx); err != nil {
		f.fail("%v", explain.Store(err))
	} else if err := store.Try(ctx); err != nil {
		f.fail("%v", explain.Store(err))
	} else {
		f.fine("redis %s: reads, writes and runs the script of commits", strings.Join(c.redis.Addrs, ","))
	}
	f.owner(ctx, c, store)
	servers, err := store.Check(ctx)
	for _, s := range servers {
		say := f.fine
		if len(s.Warnings) > 0 {
			say = f.warn
		}
		say("redis %s: version %s, %s, maxmemory-policy %s, %s",
			s.Addr, known(s.Version), known(s.Role), known(s.Policy), durability(s.Fsync))
		for _, w := range s.Warnings {
			f.warn("redis %s: %s", s.Addr, w)
		}
	}
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			f.fail("%s", line)
		}
	}
}

// owner says whether the store is another deployment's.
func (f *findings) owner(ctx context.Context, c *config, store windowstore.Store) {
	switch group, err := stream.CheckOwner(ctx, &c.kafka, store); {
	case err != nil:
		f.fail("redis.prefix %s: %v", c.redis.Prefix, err)
	case group == "":
		f.fine("redis.prefix %s: nothing is stored yet", c.redis.Prefix)
	default:
		f.fine("redis.prefix %s: belongs to group %s", c.redis.Prefix, group)
	}
	if err := stream.CheckGroup(ctx, &c.kafka, store); err != nil {
		f.fail("redis.prefix %s: %v", c.redis.Prefix, err)
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
