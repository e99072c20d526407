package notify

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/notify/crossing"
	"github.com/seed-afe14ff2/aggregator/internal/notify/post"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/faultpoint"
	"github.com/seed-afe14ff2/aggregator/internal/stream/subscribe"
)

// worker delivers to one sink.
type worker struct {
	sink         *Sink
	keeper       keeper // nil: the target keeps nothing
	pacer        *pacer
	metrics      *sinkMetrics
	log          *slog.Logger
	quiet        quiet
	now          func() time.Time
	jitter       retry.Jitter
	subscription *subscribe.Subscription

	unread int64 // since when there are records that were not read, ms; 0: there are none. Of measure alone

	failure atomic.Pointer[error] // of what was sent last; nil: it was taken

	mu    sync.Mutex
	feeds map[*feed]bool
}

// quiet throttles the log, a kind of lines each.
type quiet struct{ unread, foreign, untaken, taken, unsent, refused retry.Throttle }

// takenLogged is how many crossings are logged in ten seconds.
const takenLogged = 10

func newWorker(s *Sink, m *sinkMetrics, log *slog.Logger) *worker {
	w := &worker{
		sink: s, pacer: newPacer(retry.Random), metrics: m, log: log.With("sink", s.Name), now: time.Now, jitter: retry.Random,
		quiet: quiet{taken: retry.Throttle{Most: takenLogged}}, feeds: map[*feed]bool{},
	}
	w.keeper, _ = s.Target.(keeper)
	return w
}

// run delivers until ctx ends and what is under way has ended.
func (w *worker) run(ctx context.Context) {
	beside, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { retry.Every(beside, time.Second, func(time.Time) { w.measure() }) })
	if w.keeper != nil {
		running.Go(func() { w.keeper.Run(beside, w.resent) })
	}
	w.subscription.Run(ctx)
	stop()
	running.Wait()
}

func (w *worker) begin(f *feed) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.feeds[f] = true
}

func (w *worker) end(f *feed) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.feeds, f)
}

// measure tells the metrics how far the sink is.
func (w *worker) measure() {
	state := w.subscription.State()
	member := 0.0
	if state.Joined {
		member = 1
	}
	w.metrics.member.Set(member)
	if !state.Joined {
		return // what was last known stays
	}
	lag, oldest := w.behind()
	if lag == 0 || oldest > 0 {
		w.unread = 0
	} else if w.unread == 0 {
		w.unread = w.now().UnixMilli()
	}
	oldest = max(oldest, w.unread)
	w.metrics.lag.Set(float64(lag))
	w.metrics.oldest.Set(float64(oldest) / 1000)
}

// behind is how many records of its partitions are not delivered, and the Kafka timestamp of the oldest, ms; 0: none is known.
func (w *worker) behind() (lag, oldest int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for f := range w.feeds {
		n, first := f.window.waiting(f.p.End())
		lag += n
		if first != 0 && (oldest == 0 || first < oldest) {
			oldest = first
		}
	}
	return lag, oldest
}

// deliver delivers a crossing until it is taken or refused for good; false: ctx ended first. What is under way when ctx ends
// is waited for, so that what the sink takes is committed.
func (f *feed) deliver(ctx context.Context, l *lane, e *entry) bool {
	pause := newBackoff(f.jitter)
	for {
		if f.pacer.enter(ctx) != nil {
			return false
		}
		recovered := f.pacer.recovered()
		err := f.sink.Target.Deliver(context.WithoutCancel(ctx), e.crossing)
		done := err == nil || post.Final(err)
		f.pacer.leave(l, done, post.Pause(err))
		f.tell(e.crossing, err)
		if done {
			faultpoint.Pass("notify-taken")
			f.window.finish(e)
			return true
		}
		t := time.NewTimer(pause.Next())
		select {
		case <-t.C:
		case <-recovered:
		case <-ctx.Done():
		}
		t.Stop()
		if ctx.Err() != nil {
			return false
		}
	}
}

// tell tells metrics and log how an attempt ended.
func (w *worker) tell(c *crossing.Crossing, err error) {
	w.failure.Store(nil)
	switch {
	case err == nil:
		w.metrics.up.Set(1)
		w.metrics.sent.Inc()
		w.metrics.delay.Observe(max(0, float64(w.now().UnixMilli()-c.Timestamp)/1000))
		if held, ok := w.quiet.taken.Pass(); ok {
			w.log.Info("crossing delivered", "id", c.ID, "partition", c.Partition, "offset", c.Offset, "held_back", held)
		}
	case post.Final(err):
		w.metrics.up.Set(1) // it works: what it does not take is this one
		w.metrics.failed.Inc()
		w.log.Error("sink refused a crossing for good: passed over", "id", c.ID, "partition", c.Partition, "offset", c.Offset, "error", err)
	default:
		w.failure.Store(&err)
		w.metrics.up.Set(0)
		w.metrics.retries[post.Kind(err)].Inc()
		if held, ok := w.quiet.untaken.Pass(); ok {
			w.log.Warn("sink did not take a crossing: trying again", "id", c.ID, "error", err, "held_back", held)
		}
	}
}

// resent tells metrics and log of a round of alerts that go on.
func (w *worker) resent(kept, sent int, refused []error, err error) {
	w.metrics.alerts.Set(float64(kept))
	w.metrics.resent.Add(float64(sent))
	for _, r := range refused {
		w.metrics.failed.Inc()
		if held, ok := w.quiet.refused.Pass(); ok {
			w.log.Error("sink refused an alert that goes on for good: it is not sent again", "error", r, "held_back", held)
		}
	}
	switch {
	case err != nil:
		w.failure.Store(&err)
		w.metrics.up.Set(0)
		if held, ok := w.quiet.unsent.Pass(); ok {
			w.log.Warn("alerts that go on were not sent again: the next minute tries again", "error", err, "held_back", held)
		}
	case sent > 0 || len(refused) > 0:
		w.failure.Store(nil)
		w.metrics.up.Set(1)
	}
}

// standing is how the sink does, in words.
func (w *worker) standing() string {
	lag, oldest := w.behind()
	err := w.failure.Load()
	switch {
	case err != nil && lag == 0:
		return fmt.Sprintf("does not take what it is sent again: %v", *err)
	case err != nil:
		return fmt.Sprintf("does not take what it is sent, %d to be delivered, the oldest of %s: %v", lag, since(oldest), *err)
	case lag > 0:
		return fmt.Sprintf("%d to be delivered, the oldest of %s", lag, since(oldest))
	}
	return "ok"
}

func since(ms int64) string {
	if ms == 0 {
		return "just now"
	}
	return time.UnixMilli(ms).UTC().Format(time.RFC3339)
}
