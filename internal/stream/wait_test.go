package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/settings"
)

// TestUntilItWorks: a call is tried until it works, which is logged every ten seconds; what trying again does not mend ends the wait,
// and so does the context.
func TestUntilItWorks(t *testing.T) {
	f := func(name string, fails time.Duration, with error, want error, lines int) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			var b bytes.Buffer
			w, began := waiter{slog.New(slog.NewTextHandler(&b, nil))}, time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			err := w.untilItWorks(ctx, "something", func() error {
				if time.Since(began) < fails {
					return with
				}
				return nil
			})
			if !errors.Is(err, want) || (err == nil) != (want == nil) {
				t.Errorf("%s: %v, want %v", name, err, want)
			}
			if got := strings.Count(b.String(), "msg=waiting for=something"); got != lines {
				t.Errorf("%s: %d lines, want %d:\n%s", name, got, lines, b.String())
			}
		})
	}
	down := errors.New("down")
	f("works", 0, nil, nil, 0)
	f("for a moment", time.Second, down, nil, 1)
	f("for some time", 25*time.Second, down, nil, 3)
	f("for ever", time.Hour, down, context.DeadlineExceeded, 6)
	f("finally", time.Hour, fmt.Errorf("at the start: %w", &finalError{down}), down, 0)
	f("another setting", time.Hour, &settings.Mismatch{Err: down}, down, 0)
}
