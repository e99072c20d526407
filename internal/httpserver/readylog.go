package httpserver

import (
	"context"
	"log/slog"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
)

// lookEvery is how often the checks are looked at for the log.
const lookEvery = time.Second

// Log says when the process is ready first, when a check is not met any more, and when it is met again, until ctx ends.
// A check that was never met is not named: who waits at the start says so.
func (r *Readiness) Log(ctx context.Context, log *slog.Logger) {
	l := readyLog{log: log, lost: map[string]time.Time{}}
	retry.Every(ctx, lookEvery, func(now time.Time) {
		if !r.draining.Load() {
			l.look(ctx, r.checks(), now)
		}
	})
}

// readyLog is what was last logged.
type readyLog struct {
	log   *slog.Logger
	ready bool                 // all checks have been met once
	lost  map[string]time.Time // since when checks are not met that had been
}

func (l *readyLog) look(ctx context.Context, checks []check, now time.Time) {
	all := true
	for _, c := range checks {
		_, err := c.f(ctx)
		if ctx.Err() != nil {
			return
		}
		all = all && err == nil
		if l.ready {
			l.note(c.name, err, now)
		}
	}
	if all && !l.ready {
		l.ready = true
		l.log.Info("ready")
	}
}

// note takes how a check of a process is that was ready before.
func (l *readyLog) note(check string, err error, now time.Time) {
	since, lost := l.lost[check]
	switch {
	case err != nil && !lost:
		l.lost[check] = now
		l.log.Warn("not ready: a check is not met any more", "check", check, "error", err)
	case err == nil && lost:
		delete(l.lost, check)
		l.log.Info("a check is met again", "check", check, "seconds", now.Sub(since).Seconds())
	}
}
