package alertmanager

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/notify/crossing"
	"github.com/seed-afe14ff2/aggregator/internal/notify/post"
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
// sent, which were refused for good and are kept no more, and what went wrong.
func (s *Sink) Run(ctx context.Context, told func(kept, sent int, refused []error, err error)) {
	retry.Every(ctx, s.Every, func(time.Time) { told(s.round(ctx)) })
}

// resendTimeout bounds one request of a round: nothing new is sent meanwhile.
const resendTimeout = 5 * time.Second

// round sends everything that goes on once. One that ends early is followed by one that begins where it stopped.
func (s *Sink) round(ctx context.Context) (kept, sent int, refused []error, err error) {
	keys, asked := s.tidy(), s.servers
	s.next = groupKey{}
	for failed := 0; len(keys) > 0 && ctx.Err() == nil && failed < roundOutage; {
		n := min(len(keys), roundGroups)
		x := s.resend(ctx, asked, keys[:n])
		keys, sent, refused, asked = keys[n:], sent+x.sent, append(refused, x.refused...), s.answering(s.Now()) // the first request has tried those that did not answer
		failed++
		if x.err == nil {
			failed = 0
		}
		err = errors.Join(err, x.err)
	}
	if len(keys) > 0 {
		s.next = keys[0]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count, sent, refused, err
}

// tidy forgets what is over, and returns whose alerts there are, in their order, from where the last round stopped.
func (s *Sink) tidy() (keys []groupKey) {
	now := s.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.ended) > 0 && !now.Before(s.ended[0].forget) {
		s.forgetEnding()
	}
	for key, g := range s.groups {
		s.retain(g, func(a *alert) bool { return !a.over(now) })
		switch {
		case len(g.alerts) > 0:
			keys = append(keys, key)
		case g.forget.IsZero():
			delete(s.groups, key)
		}
	}
	slices.SortFunc(keys, groupKey.compare)
	first, _ := slices.BinarySearchFunc(keys, s.next, groupKey.compare)
	return slices.Concat(keys[first:], keys[:first])
}

// resent is what became of alerts that go on.
type resent struct {
	sent    int
	refused []error // for good, one for each rule and subject
	err     error
}

// resend sends the alerts of some groups. If a server refuses them for good, each group is sent alone, and one that nobody takes is forgotten:
// the others go on.
func (s *Sink) resend(ctx context.Context, asked []*server, keys []groupKey) (x resent) {
	alerts, told := s.resendOnce(ctx, asked, keys)
	switch {
	case !told.refused:
		return resent{sent: told.count(alerts), err: told.err()}
	case len(keys) == 1 && !told.taken && post.Final(told.failure):
		s.drop(keys[0], alerts)
		return resent{refused: []error{fmt.Errorf("rule %s, %s %q: %w", keys[0].rule, keys[0].by, keys[0].subject, told.failure)}}
	case len(keys) == 1:
		return resent{sent: told.count(alerts), err: told.err()}
	}
	for i := range keys {
		one := s.resend(ctx, asked, keys[i:i+1])
		x.sent, x.refused, x.err = x.sent+one.sent, append(x.refused, one.refused...), one.err
		if x.err != nil {
			break
		}
	}
	return x
}

// resendOnce sends them in one request, as they are now.
func (s *Sink) resendOnce(ctx context.Context, asked []*server, keys []groupKey) ([]*alert, answers) {
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
		return nil, answers{taken: true}
	}
	ctx, cancel := context.WithTimeout(ctx, resendTimeout)
	defer cancel()
	return alerts, s.sendTo(ctx, asked, bodyOf(alerts), s.Now())
}

// drop forgets alerts of a group.
func (s *Sink) drop(key groupKey, alerts []*alert) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.groups[key]; g != nil {
		s.retain(g, func(a *alert) bool { return !slices.Contains(alerts, a) })
	}
}
