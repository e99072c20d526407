package tail

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
)

// Source is the log, as a tail reads it.
type Source = fetch.Source

// Options is what a tail works with.
type Options struct {
	Source Source
	Topic  string
	Most   int // crossings kept; 0: DefaultMost
	Log    *slog.Logger
}

// Tail is the end of the topic of crossings. Run reads it; the other methods may be called by any goroutine.
type Tail struct {
	Options

	mu         sync.Mutex
	list       list
	came       []*Crossing // that are shown, in the order in which they came after the start
	first      uint64      // number of the first of came
	changed    chan struct{}
	partitions map[int]*reading
	counted    bool  // how many partitions there are is known
	failure    error // of that
	foreign    retry.Throttle
	unread     retry.Throttle
}

// reading is how far the reading of a partition is.
type reading struct {
	added   bool      // it is newer than the reading of the others: all that it has has come meanwhile
	whole   bool      // it was read to its end once
	heard   time.Time // when the broker last answered
	failure error     // since then
}

// New is a tail of which nothing was read yet.
func New(o Options) *Tail {
	o.Most = cmp.Or(o.Most, DefaultMost)
	return &Tail{Options: o, list: newList(o.Most, mostBytes), changed: make(chan struct{}), partitions: map[int]*reading{}}
}

const (
	// partitionsEvery is how often it is looked for new partitions.
	partitionsEvery = 10 * time.Second
	// startEvery is how often it is looked where the logs begin, as old records are deleted there.
	startEvery = 30 * time.Second
	// patience is how long a broker may not answer before what is kept is no longer taken for the end of the topic.
	patience = 5 * time.Second
)

// Run reads the topic until ctx ends.
func (t *Tail) Run(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	pause := retry.Backoff{First: 100 * time.Millisecond, Most: 2 * time.Second}
	for ctx.Err() == nil {
		n, err := t.Source.Partitions(ctx, t.Topic)
		if err != nil {
			t.failed(ctx, nil, err)
			pause.Wait(ctx)
			continue
		}
		pause.Reset()
		for _, p := range t.begin(n) {
			running.Go(func() { t.follow(ctx, p) })
		}
		retry.Wait(ctx, partitionsEvery)
	}
}

// begin notes how many partitions there are, and returns those that are new.
func (t *Tail) begin(n int) (fresh []int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for p := range n {
		if t.partitions[p] == nil {
			t.partitions[p] = &reading{added: t.counted}
			fresh = append(fresh, p)
		}
	}
	t.counted, t.failure = true, nil
	return fresh
}

// failed notes that the topic, or a partition of it, could not be read.
func (t *Tail) failed(ctx context.Context, r *reading, err error) {
	if ctx.Err() != nil {
		return
	}
	t.mu.Lock()
	if r == nil {
		t.failure = err
	} else {
		r.failure = err
	}
	t.mu.Unlock()
	if held, ok := t.unread.Pass(); ok {
		t.Log.Warn("crossings not read: trying again", "topic", t.Topic, "error", explain.Kafka(err), "held_back", held)
	}
}

var (
	errNotRead = errors.New("the topic of crossings is not read yet")
	errSilent  = errors.New("no broker answers")
)

// Current is an error if what is kept may not be the end of the topic: it was not read yet, or Kafka does not answer.
func (t *Tail) Current() error { return t.current(time.Now()) }

func (t *Tail) current(now time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.counted {
		return reason(errNotRead, t.failure)
	}
	for _, r := range t.partitions {
		switch {
		case !r.whole:
			return reason(errNotRead, r.failure)
		case now.Sub(r.heard) > patience:
			return fmt.Errorf("the topic of crossings is not read: %w", reason(errSilent, r.failure))
		}
	}
	return nil
}

func reason(otherwise, failure error) error {
	if failure == nil {
		return otherwise
	}
	return fmt.Errorf("%w: %w", otherwise, explain.Kafka(failure))
}
