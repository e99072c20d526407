package httpserver

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestReadyLog: what is lost and comes back is said once each, after the process was ready for the first time.
func TestReadyLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		log := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))
		r, store := &Readiness{}, &fakeStore{err: errors.New("refused")}
		go r.Log(t.Context(), log)
		after := func(d time.Duration, want ...string) {
			t.Helper()
			<-time.After(d)
			synctest.Wait()
			got := strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
			if text.Reset(); strings.Join(got, "|") != strings.Join(want, "|") {
				t.Errorf("logged %q, want %q", got, want)
			}
		}
		<-time.After(time.Second / 2)
		after(time.Minute)
		r.StoreConnected(store)
		r.ServiceStarted(fakeService(true))
		after(time.Minute)
		store.err = nil
		after(2*time.Second, "level=INFO msg=ready")
		after(time.Minute)
		store.err = errors.New("refused")
		after(time.Minute, `level=WARN msg="not ready: a check is not met any more" check=redis error=refused`)
		store.err = nil
		after(time.Minute, `level=INFO msg="a check is met again" check=redis seconds=60`)
		r.ServiceStarted(fakeService(false))
		after(time.Minute, `level=WARN msg="not ready: a check is not met any more" check=topics error="events is missing"`,
			`level=WARN msg="not ready: a check is not met any more" check=group error="group not joined"`)
		r.Drain()
		r.ServiceStarted(fakeService(true))
		after(time.Minute)
	})
}
