package alertmanager

import (
	"context"
	"errors"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/notify/crossing"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
)

// Lookback is for how long what was taken may still have to be told.
func (s *Sink) Lookback() time.Duration { return s.Active + lookbackMargin }

// Restore takes over what was told before. sent is when that was; zero: long ago.
func (s *Sink) Restore(c *crossing.Crossing, sent time.Time) {
	now := s.Now()
	s.keep(c, s.change(c, sent, now), now)
}

// Forget takes a partition away: another process tells of it from now on.
func (s *Sink) Forget(partition int) {
	s.sending.Lock() // nothing of it is under way any more
	defer s.sending.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, g := range s.groups {
		if g.partition == partition {
			s.count -= len(g.alerts)
			delete(s.groups, key)
		}
	}
}

// Run sends what goes on again and again, until ctx ends, and says after each round how many alerts are kept, how many were
// sent, and what went wrong.
func (s *Sink) Run(ctx context.Context, told func(kept, sent int, err error)) {
	retry.Every(ctx, s.Every, func(time.Time) { told(s.round(ctx)) })
}

// resendTimeout bounds one request of a round: nothing new is sent meanwhile.
const resendTimeout = 5 * time.Second

// round sends everything that goes on once.
func (s *Sink) round(ctx context.Context) (kept, sent int, err error) {
	keys, asked := s.tidy(), s.servers
	for len(keys) > 0 && ctx.Err() == nil {
		n := min(len(keys), roundGroups)
		some, e := s.resend(ctx, asked, keys[:n])
		keys, sent, asked = keys[n:], sent+some, s.answering(s.Now()) // the first request has tried those that did not answer
		if e != nil {
			err = errors.Join(err, e)
			break // the next round tries again
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count, sent, err
}

// tidy forgets what is over, and returns whose alerts there are.
func (s *Sink) tidy() (keys []groupKey) {
	now := s.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, g := range s.groups {
		kept := g.alerts[:0]
		for _, a := range g.alerts {
			if !a.over(now) {
				kept = append(kept, a)
			}
		}
		s.count -= len(g.alerts) - len(kept)
		clear(g.alerts[len(kept):])
		g.alerts = kept
		switch {
		case len(kept) > 0:
			keys = append(keys, key)
		case !now.Before(g.forget):
			delete(s.groups, key)
		}
	}
	return keys
}

// resend sends the alerts of some groups, as they are now.
func (s *Sink) resend(ctx context.Context, asked []*server, keys []groupKey) (int, error) {
	s.sending.Lock()
	defer s.sending.Unlock()
	s.mu.Lock()
	var alerts []*alert
	for _, key := range keys {
		if g := s.groups[key]; g != nil {
			alerts = append(alerts, g.alerts...)
		}
	}
	s.mu.Unlock()
	if len(alerts) == 0 {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, resendTimeout)
	defer cancel()
	return len(alerts), s.sendTo(ctx, asked, bodyOf(alerts), s.Now())
}
