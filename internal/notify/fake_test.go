package notify

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/notify/crossing"
	"github.com/seed-afe14ff2/aggregator/internal/notify/post"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/subscribe"
)

// topic is a log in memory whose readers wait for what comes.
type topic struct {
	mu         sync.Mutex
	partitions [][]records.Record
}

func (l *topic) add(partition int, r records.Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.partitions) <= partition {
		l.partitions = append(l.partitions, nil)
	}
	r.Offset = int64(len(l.partitions[partition]))
	l.partitions[partition] = append(l.partitions[partition], r)
}

func (l *topic) Open(_ string, partition int, offset int64) fetch.Reader {
	return &topicReader{log: l, partition: partition, at: offset}
}

func (l *topic) Offsets(_ context.Context, _ string, partition int) (start, end int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return 0, int64(len(l.partitions[partition])), nil
}

func (l *topic) OffsetAt(_ context.Context, _ string, partition int, ms int64) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, r := range l.partitions[partition] {
		if r.Timestamp >= ms {
			return int64(i), nil
		}
	}
	return int64(len(l.partitions[partition])), nil
}

func (l *topic) Partitions(context.Context, string) (int, error) { return len(l.partitions), nil }

// topicReader gives up to seven records at a time.
type topicReader struct {
	log       *topic
	partition int
	at        int64
	set       []records.Record
	end       int64
}

func (r *topicReader) Next(ctx context.Context) (fetch.RecordSet, error) {
	for range 2 {
		r.log.mu.Lock()
		all := r.log.partitions[r.partition]
		r.end = int64(len(all))
		if r.at > r.end {
			r.log.mu.Unlock()
			return nil, &fetch.OutOfRange{Offset: r.at, End: r.end}
		}
		r.set = all[r.at:min(r.at+7, r.end)]
		r.log.mu.Unlock()
		if len(r.set) > 0 {
			break
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return r, nil
}

func (r *topicReader) Read(_ context.Context, to *records.Record) (bool, error) {
	if len(r.set) == 0 {
		return false, nil
	}
	*to, r.set = r.set[0], r.set[1:]
	r.at = to.Offset + 1
	return true, nil
}

func (r *topicReader) Span() (next, end int64) { return r.at, r.end }
func (r *topicReader) SeekTo(offset int64)     { r.at = offset }
func (r *topicReader) Close()                  {}

// record is a crossing of a subject as it stands in the topic.
func record(subject string, episode int, at time.Time) records.Record {
	key := fmt.Sprintf("rule/incident/%s/%d", subject, episode)
	return records.Record{Timestamp: at.UnixMilli(), Key: []byte("incident/" + subject), Value: fmt.Appendf(nil,
		`{"id":"%s/1","dedup_key":"%s","status":"crossed","rule":"rule","by":"incident","subject":"%s","level":1,"episode":%d,"time":"%s"}`,
		key, key, subject, episode, at.UTC().Format(time.RFC3339))}
}

// flaky is a sink that fails by chance, and notes what it has taken.
type flaky struct {
	mu    sync.Mutex
	rng   *rand.Rand
	bad   float64         // share of requests that fail
	down  bool            // all do
	slow  time.Duration   // the longest answer takes so long
	taken []string        // ids, in order
	final map[string]bool // ids that it refuses for good
	dead  bool            // the process that asks was killed
	most  int             // requests at once
	asked int             // requests
	now   int
}

func (s *flaky) Deliver(ctx context.Context, c *crossing.Crossing) error {
	s.mu.Lock()
	s.now++
	s.asked++
	s.most = max(s.most, s.now)
	slow := time.Duration(s.rng.Int64N(int64(s.slow)))
	s.mu.Unlock()
	<-time.After(slow)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now--
	switch {
	case s.dead:
		return context.Canceled
	case s.down:
		return &post.Answer{Status: 503}
	case s.rng.Float64() < s.bad:
		return []error{
			&post.Answer{Status: 500}, &post.Answer{Status: 404}, &post.Answer{Status: 302}, context.DeadlineExceeded,
			&post.Answer{Status: 429, RetryAfter: time.Duration(s.rng.IntN(5)) * time.Second},
		}[s.rng.IntN(5)]
	}
	s.taken = append(s.taken, c.ID)
	if ctx.Err() != nil { // who asks does not hear the answer
		return ctx.Err()
	}
	if s.final[c.ID] {
		return &post.Answer{Status: 400}
	}
	return nil
}

func (s *flaky) Reach(context.Context) error { return nil }

// testWorker delivers to a target, without a subscription.
func testWorker(s *Sink) *worker {
	return newWorker(s, NewMetrics(prometheus.NewRegistry()).of(s.Name), slog.New(slog.DiscardHandler))
}

// committed is what a group has of a partition.
type committed struct {
	offset int64
	note   string
}

// life is a process that reads partitions, and commits now and then.
type life struct {
	stop    context.CancelFunc
	running sync.WaitGroup
	feeds   []*subscribe.Partition
	stored  []committed // as the group has it
}

func begin(w *worker, log *topic, stored []committed) *life {
	ctx, stop := context.WithCancel(context.Background())
	x := &life{stop: stop, stored: stored}
	for id, c := range stored {
		p := partitionOf(log, c.offset)
		p.ID, p.Note = id, c.note
		x.feeds = append(x.feeds, p)
		x.running.Go(func() { w.Read(ctx, p) })
	}
	return x
}

// partitionOf is the first partition of a log, as the group gives it.
func partitionOf(log fetch.Source, from int64) *subscribe.Partition {
	return &subscribe.Partition{Topic: "t", From: from, Source: log}
}

// commit takes over how far the feeds are.
func (x *life) commit() {
	for i, p := range x.feeds {
		if offset, text, begun := p.Progress(); begun {
			x.stored[i] = committed{offset, text}
		}
	}
}

// end ends the process as a rebalance or a stop does.
func (x *life) end() {
	x.stop()
	x.running.Wait()
	x.commit()
}
