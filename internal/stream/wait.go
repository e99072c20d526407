package stream

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/settings"
)

// waiter waits for Kafka and the store.
type waiter struct{ log *slog.Logger }

// untilItWorks calls f until it works. Every ten seconds it logs why f does not.
// The error is ctx's end, or a final one.
func (w waiter) untilItWorks(ctx context.Context, what string, f func() error) error {
	pause := retry.Backoff{First: 100 * time.Millisecond, Most: 2 * time.Second}
	var quiet retry.Throttle
	for {
		err := f()
		if err == nil || final(err) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if _, ok := quiet.Pass(); ok {
			w.log.Warn("waiting", "for", what, "error", strings.TrimSpace(err.Error()))
		}
		pause.Wait(ctx)
	}
}

// untilStored calls f, which uses the store, until it works.
func (w waiter) untilStored(ctx context.Context, f func() error) error {
	return w.untilItWorks(ctx, "the store", func() error {
		if err := f(); err != nil {
			return explain.Store(err)
		}
		return nil
	})
}

// finalError is an error that trying again does not mend.
type finalError struct{ err error }

func (e *finalError) Error() string { return e.err.Error() }
func (e *finalError) Unwrap() error { return e.err }

// final reports whether trying again does not mend an error.
func final(err error) bool {
	var ours *finalError
	var stored *settings.Mismatch
	return errors.As(err, &ours) || errors.As(err, &stored)
}
