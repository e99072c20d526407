package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	redisstore "github.com/seed-afe14ff2/aggregator/internal/windows/store/redis"
)

// connectRedis waits for Redis to answer. It logs once why it waits, and again when the reason changes. The store is nil if
// ctx ended first.
func connectRedis(ctx context.Context, o *redisstore.Options, log *slog.Logger) (*redisstore.Store, error) {
	var logged string
	pause := retry.Backoff{First: 100 * time.Millisecond, Most: 2 * time.Second}
	for {
		store, err := redisstore.New(ctx, *o)
		switch {
		case err == nil:
			log.Info("redis answers", "addrs", o.Addrs)
			return store, nil
		case ctx.Err() != nil:
			return nil, nil
		case !redisstore.Retryable(err):
			return nil, explain.Store(err)
		}
		if kind := redisstore.ErrorKind(err); kind != logged {
			logged = kind
			log.Warn("redis does not answer: trying until it does", "error", hintTLS(err, o.TLS != nil))
		}
		pause.Wait(ctx)
	}
}

// hintTLS adds to a connection that broke, or on which nothing came, what may be the reason.
func hintTLS(err error, encrypted bool) error {
	if kind := redisstore.ErrorKind(err); kind != "broken" && kind != "timeout" {
		return err
	}
	return fmt.Errorf("%w: if it stays so, look whether this port wants TLS (redis.tls.enabled is %t)", err, encrypted)
}
