//go:build linux

package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// consumer follows a topic of crossings as an alert service would.
type consumer struct {
	mu     sync.Mutex
	seen   []arrival
	failed error
}

// arrival is a crossing, and when the consumer had it.
type arrival struct {
	ID   string
	Time time.Time // of the event that crossed
	at   time.Time
}

func (s *arrival) delay() time.Duration { return s.at.Sub(s.Time) }

// consume reads a topic from its start until the benchmark ends.
func consume(b testing.TB, k *servers.KafkaServer, topic string) *consumer {
	b.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(k.Addrs()...), kgo.ConsumeTopics(topic),
		kgo.FetchMaxWait(100*time.Millisecond)) // what is not in a request yet waits for its end: by default 5 s
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	c, ended := &consumer{}, make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			c.take(client.PollFetches(ctx))
		}
	}()
	b.Cleanup(func() {
		stop()
		<-ended
		client.Close()
	})
	return c
}

func (c *consumer) take(fetches kgo.Fetches) {
	at := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	fetches.EachRecord(func(r *kgo.Record) {
		s := arrival{at: at}
		if err := json.Unmarshal(r.Value, &s); err != nil && c.failed == nil {
			c.failed = fmt.Errorf("read crossing %d of partition %d: %w", r.Offset, r.Partition, err)
		}
		c.seen = append(c.seen, s)
	})
}

// all is what was seen so far.
func (c *consumer) all(b testing.TB) []arrival {
	b.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed != nil {
		b.Fatal(c.failed)
	}
	return slices.Clone(c.seen)
}

// awaitAll waits until so many crossings were seen, and checks that none came twice.
func (c *consumer) awaitAll(b testing.TB, count int) {
	b.Helper()
	await(b, fmt.Sprint(count, " crossings to be seen"), 20*time.Millisecond, func() bool { return len(c.all(b)) >= count })
	ids := map[string]bool{}
	for _, s := range c.all(b) {
		ids[s.ID] = true
	}
	if seen := len(c.all(b)); seen != count || len(ids) != count {
		b.Errorf("%d crossings were seen, %d different ones, want %d", seen, len(ids), count)
	}
}

// delays is of the crossings whose events are of this time, in order of size.
func (c *consumer) delays(b testing.TB, from, until time.Time) delays {
	b.Helper()
	var list delays
	for _, s := range c.all(b) {
		if !s.Time.Before(from) && s.Time.Before(until) {
			list = append(list, s.delay())
		}
	}
	slices.Sort(list)
	return list
}

// delays are sorted.
type delays []time.Duration

// quantile is the smallest delay that is not exceeded by a share q of all.
func (d delays) quantile(q float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	rank := int(q * float64(len(d)))
	if float64(rank) == q*float64(len(d)) {
		rank--
	}
	return d[max(0, min(rank, len(d)-1))]
}

func (d delays) String() string {
	return fmt.Sprintf("%d crossings, p50 %v, p99 %v, at most %v", len(d), rounded(d.quantile(0.5)), rounded(d.quantile(0.99)), rounded(d.quantile(1)))
}

func rounded(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }

func TestQuantile(t *testing.T) {
	var hundred delays
	for n := range 100 {
		hundred = append(hundred, time.Duration(n+1))
	}
	f := func(list delays, q float64, want time.Duration) {
		t.Helper()
		if got := list.quantile(q); got != want {
			t.Errorf("%v of %d: got %d, want %d", q, len(list), got, want)
		}
	}
	f(nil, 0.5, 0)
	f(delays{7}, 0.5, 7)
	f(delays{7}, 1, 7)
	f(hundred, 0.5, 50)
	f(hundred, 0.99, 99)
	f(hundred, 1, 100)
	f(delays{1, 2, 3}, 0.5, 2)
}
