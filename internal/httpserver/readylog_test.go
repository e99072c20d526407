package httpserver

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// changingStore answers what the test sets while others ask.
type changingStore struct {
	mu  sync.Mutex
	err error
}

func (s *changingStore) set(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *changingStore) Ping(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// written is what others write.
type written struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *written) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(b)
}

// take is what was written since the last time.
func (w *written) take() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.text.Reset()
	return w.text.String()
}

// TestReadyLog: what is lost and comes back is said once each, after the process was ready for the first time.
func TestReadyLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text written
		log := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))
		r, store := &Readiness{}, &changingStore{err: errors.New("refused")}
		go r.Log(t.Context(), log)
		after := func(d time.Duration, want ...string) {
			t.Helper()
			<-time.After(d)
			synctest.Wait()
			got := strings.Split(strings.TrimSuffix(text.take(), "\n"), "\n")
			if strings.Join(got, "|") != strings.Join(want, "|") {
				t.Errorf("logged %q, want %q", got, want)
			}
		}
		<-time.After(time.Second / 2)
		after(time.Minute)
		r.StoreConnected(store)
		r.ServiceStarted(fakeService(true))
		after(time.Minute)
		store.set(nil)
		after(2*time.Second, "level=INFO msg=ready")
		after(time.Minute)
		store.set(errors.New("refused"))
		after(time.Minute, `level=WARN msg="not ready: a check is not met any more" check=redis error=refused`)
		store.set(nil)
		after(time.Minute, `level=INFO msg="a check is met again" check=redis seconds=60`)
		r.ServiceStarted(fakeService(false))
		after(time.Minute, `level=WARN msg="not ready: a check is not met any more" check=topics error="events is missing"`,
			`level=WARN msg="not ready: a check is not met any more" check=group error="group not joined"`)
		r.Drain()
		r.ServiceStarted(fakeService(true))
		after(time.Minute)
	})
}
