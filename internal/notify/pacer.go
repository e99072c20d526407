package notify

import (
	"context"
	"sync"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
)

// pacer bounds what a sink gets from one process: so many requests at once; one at a time while it fails, a second apart
// if several keys have failed in a row; and none while it has asked to be left alone.
//
// One record that a sink cannot digest looks at first like a sink that is down. So a failure alone makes nobody wait: only
// failures of different keys, with no success between them, are an outage.
type pacer struct {
	slots  chan struct{}
	jitter retry.Jitter

	mu      sync.Mutex
	failing bool      // the last answer was a failure
	outage  bool      // two keys have failed since the last success
	began   time.Time // of the outage
	failed  *lane     // the first that has
	trying  bool      // somebody tries whether it still fails
	next    time.Time // of a try, while it fails
	alone   time.Time // not before, as the sink asked
	changed chan struct{}
	up      chan struct{} // closed at the end of an outage that was long
}

const (
	// outagePause is how far apart tries are during an outage, about.
	outagePause = time.Second
	// longOutage is how long an outage is after which all that wait are woken. After a shorter one they do not wait for long, and it
	// may have been no outage, only two records that the sink cannot digest.
	longOutage = 10 * time.Second
)

func newPacer(jitter retry.Jitter) *pacer {
	return &pacer{slots: make(chan struct{}, parallel), jitter: jitter, changed: make(chan struct{}), up: make(chan struct{})}
}

// enter waits until a request may be sent; the error is that of ctx. Each enter without an error is followed by leave.
func (p *pacer) enter(ctx context.Context) error {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		if err := ctx.Err(); err != nil { // what is free is no reason to begin
			<-p.slots
			return err
		}
		wait, changed := p.turn(time.Now())
		if wait == 0 {
			return nil
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-changed:
		case <-ctx.Done():
		}
		t.Stop()
	}
}

// turn is for how long to wait, or until something changes; 0: a request may be sent now.
func (p *pacer) turn(now time.Time) (wait time.Duration, changed chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case now.Before(p.alone):
		return p.alone.Sub(now), p.changed
	case !p.failing:
		return 0, nil
	case p.trying:
		return time.Hour, p.changed
	case p.outage && now.Before(p.next):
		return p.next.Sub(now), p.changed
	}
	p.trying = true
	return 0, nil
}

// leave says how a request of a lane ended; alone is for how long the sink wants none.
func (p *pacer) leave(l *lane, ok bool, alone time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.trying = false
	if ok {
		if p.outage && now.Sub(p.began) >= longOutage {
			close(p.up)
			p.up = make(chan struct{})
		}
		p.failing, p.outage, p.failed = false, false, nil
	} else {
		if !p.failing {
			p.failing, p.failed, p.began = true, l, now
		}
		p.outage = p.outage || p.failed != l
		p.next = now.Add(outagePause/2 + p.jitter(outagePause/2))
		if until := now.Add(alone); until.After(p.alone) && alone > 0 {
			p.alone = until
		}
	}
	close(p.changed)
	p.changed = make(chan struct{})
	<-p.slots
}

// recovered is closed at the end of an outage that was long.
func (p *pacer) recovered() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.up
}
