package alertmanager

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/notify/crossing"
	"github.com/seed-afe14ff2/aggregator/internal/notify/post"
)

// Options is what a sink works with.
type Options struct {
	Client *post.Client
	URLs   []string // of Alertmanagers, each told of everything
	Active time.Duration
	Labels map[string]string               // added to those of each alert
	Board  func(by, subject string) string // the page of a subject; "": none
	Every  time.Duration                   // how often what goes on is sent again; default: resendEvery
	Now    func() time.Time                // default: time.Now
}

// DefaultActive is how long a level fires after it was crossed.
const DefaultActive = 24 * time.Hour

const (
	// leastActive is how long it fires at least after it was first sent, however late that was.
	leastActive = 15 * time.Minute
	// clearedFor is how long a clear is sent again.
	clearedFor = 5 * time.Minute
	// resendEvery is how often what goes on is sent again. Alertmanager's own time is five minutes (resolve_timeout).
	resendEvery = time.Minute
	// lookbackMargin is how much earlier than its time a crossing may have come into the topic: the event may be ahead, or a clock.
	lookbackMargin = time.Hour
)

// Sink tells Alertmanagers of crossings.
type Sink struct {
	Options
	servers []*server
	sending sync.RWMutex // held to read while something new is sent, and to write while something is sent again
	next    groupKey     // where the next round begins; of Run alone

	mu     sync.Mutex
	groups map[groupKey]*group
	count  int      // alerts
	ended  []ending // the oldest first
}

// groupKey is whose alerts a clear ends.
type groupKey struct{ rule, by, subject string }

func (k groupKey) compare(o groupKey) int {
	return cmp.Or(strings.Compare(k.rule, o.rule), strings.Compare(k.by, o.by), strings.Compare(k.subject, o.subject))
}

// group is the alerts of a rule and a subject.
type group struct {
	partition int
	cleared   uint64    // the episodes up to this one have ended
	clearedAt time.Time // by the date of the newest clear
	forget    time.Time // when that is forgotten; zero: nothing was cleared
	alerts    []*alert
}

// ending is that a group was cleared.
type ending struct {
	key    groupKey
	forget time.Time
}

// New makes a sink.
func New(o Options) *Sink {
	if o.Every == 0 {
		o.Every = resendEvery
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Sink{Options: o, groups: map[groupKey]*group{}}
	for _, u := range o.URLs {
		s.servers = append(s.servers, newServer(o.Client, u))
	}
	return s
}

// deliverTimeout bounds the sending of something new, together with what is sent again just then.
const deliverTimeout = 10 * time.Second

// Deliver tells of a crossing. What it changes is kept once it was taken.
func (s *Sink) Deliver(ctx context.Context, c *crossing.Crossing) error {
	s.sending.RLock()
	defer s.sending.RUnlock()
	now := s.Now()
	changed := s.change(c, now, now)
	if len(changed) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, deliverTimeout)
	defer cancel()
	if err := s.send(ctx, changed, now); err != nil {
		return err
	}
	s.keep(c, changed, now)
	return nil
}

// change is what a crossing says of alerts: one that fires, or those that a clear ends.
func (s *Sink) change(c *crossing.Crossing, sent, now time.Time) (list []*alert) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[keyOf(c)]
	if !c.Cleared() {
		if g.over(c) {
			return nil
		}
		ends := c.Time.Add(s.Active)
		if least := sent.Add(leastActive); !sent.IsZero() && least.After(ends) {
			ends = least
		}
		return []*alert{s.newAlert(c, ends)}
	}
	if g == nil {
		return nil
	}
	for _, a := range g.alerts {
		if a.episode <= c.Episode && a.until.IsZero() {
			list = append(list, a.cleared(c.Time, now, sent.Add(clearedFor)))
		}
	}
	return list
}

// over reports whether a crossing is of an episode that was cleared: it came twice. One that is later than the clear is not, whatever
// its episode: when Redis has begun anew, episodes do, too.
func (g *group) over(c *crossing.Crossing) bool {
	return g != nil && c.Episode <= g.cleared && !c.Time.After(g.clearedAt)
}

// keep keeps what a crossing changed.
func (s *Sink) keep(c *crossing.Crossing, changed []*alert, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := keyOf(c)
	g := s.groups[key]
	if g == nil {
		if c.Cleared() || s.count >= mostAlerts {
			return // nothing of it was kept, or will be
		}
		g = &group{}
		s.groups[key] = g
	}
	g.partition = c.Partition
	if c.Cleared() {
		s.end(key, g, c, now)
	}
	s.retain(g, func(a *alert) bool { return !replaced(a, c, changed) })
	for _, a := range changed {
		if s.count < mostAlerts && !a.over(now) {
			g.alerts = append(g.alerts, a)
			s.count++
		}
	}
}

// replaced reports whether an alert need not be told of any more after a crossing, and what that changed.
func replaced(a *alert, c *crossing.Crossing, changed []*alert) bool {
	if !c.Cleared() && !a.until.IsZero() {
		return true // it crosses again: nobody need hear of the clear any more
	}
	return slices.ContainsFunc(changed, func(b *alert) bool {
		return a.level == b.level && (a.episode <= b.episode || a.starts.Before(b.starts))
	})
}

// end notes that a group was cleared, for as long as the crossing may come twice.
func (s *Sink) end(key groupKey, g *group, c *crossing.Crossing, now time.Time) {
	g.cleared, g.forget = max(g.cleared, c.Episode), now.Add(s.Active)
	if c.Time.After(g.clearedAt) {
		g.clearedAt = c.Time
	}
	s.ended = append(s.ended, ending{key, g.forget})
	for len(s.ended) > mostEnded {
		s.forgetEnding()
	}
}

// forgetEnding forgets the oldest clear.
func (s *Sink) forgetEnding() {
	e := s.ended[0]
	s.ended = s.ended[1:]
	g := s.groups[e.key]
	if g == nil || !g.forget.Equal(e.forget) {
		return // it was cleared again since
	}
	g.cleared, g.clearedAt, g.forget = 0, time.Time{}, time.Time{}
	if len(g.alerts) == 0 {
		delete(s.groups, e.key)
	}
}

// retain keeps some alerts of a group, and forgets the others.
func (s *Sink) retain(g *group, wanted func(a *alert) bool) {
	before := len(g.alerts)
	g.alerts = slices.DeleteFunc(g.alerts, func(a *alert) bool { return !wanted(a) })
	s.count -= before - len(g.alerts)
}

func keyOf(c *crossing.Crossing) groupKey { return groupKey{c.Rule, c.By, c.Subject} }

// Reach reports which Alertmanagers do not answer.
func (s *Sink) Reach(ctx context.Context) (err error) {
	for _, x := range s.servers {
		if e := s.Client.Get(ctx, x.url+"/api/v2/status"); e != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", post.Host(x.url), e))
		}
	}
	return err
}
