package notify

import (
	"context"
	"sync"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
)

// lanes are the keys of a partition of which something is to be delivered.
type lanes struct {
	deliver func(ctx context.Context, l *lane, e *entry) bool // until it is done; false: ctx ended first

	running sync.WaitGroup
	mu      sync.Mutex
	byKey   map[string]*lane
}

// lane delivers the crossings of a key, one after the other.
type lane struct{ waiting []*entry }

// submit hands a crossing to the lane of its key.
func (s *lanes) submit(ctx context.Context, e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := e.crossing.Key()
	if l := s.byKey[key]; l != nil {
		l.waiting = append(l.waiting, e)
		return
	}
	l := &lane{waiting: []*entry{e}}
	s.byKey[key] = l
	s.running.Go(func() { s.run(ctx, key, l) })
}

// run delivers until nothing waits, or ctx ends.
func (s *lanes) run(ctx context.Context, key string, l *lane) {
	for {
		s.mu.Lock()
		if len(l.waiting) == 0 {
			delete(s.byKey, key)
			s.mu.Unlock()
			return
		}
		e := l.waiting[0]
		l.waiting = l.waiting[1:]
		s.mu.Unlock()
		if !s.deliver(ctx, l, e) {
			return
		}
	}
}

// newBackoff is the pauses between attempts to deliver a crossing.
func newBackoff(jitter retry.Jitter) retry.Backoff {
	return retry.Backoff{First: 500 * time.Millisecond, Most: time.Minute, Jitter: jitter}
}
