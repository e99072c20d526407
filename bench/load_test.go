//go:build linux

package bench

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/bench/gen"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// partitions is how many a topic has by default.
const partitions = 12

// producer sends records to a topic as fast as Kafka takes them.
type producer struct {
	client *kgo.Client
	topic  string

	mu     sync.Mutex
	ends   []int64 // by partition: records acknowledged
	failed error
}

func newProducer(b testing.TB, k *servers.KafkaServer, topic string, partitions int, linger time.Duration) *producer {
	b.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(k.Addrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerLinger(linger),
		kgo.ProducerBatchMaxBytes(128<<10), kgo.MaxBufferedRecords(100_000))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	return &producer{client: client, topic: topic, ends: make([]int64, partitions)}
}

// send hands a record over; its bytes are copied, since the generator reuses them.
func (p *producer) send(ctx context.Context, r *gen.Record) {
	text := append(append(make([]byte, 0, len(r.Key)+len(r.Value)), r.Key...), r.Value...)
	k := len(r.Key)
	p.client.Produce(ctx, &kgo.Record{
		Topic: p.topic, Partition: int32(r.Partition), Key: text[:k:k], Value: text[k:], Timestamp: time.UnixMilli(r.TimeMillis),
	}, p.acknowledged)
}

func (p *producer) acknowledged(r *kgo.Record, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil && p.failed == nil {
		p.failed = err
	}
	p.ends[r.Partition]++
}

// flush waits until Kafka has everything and returns the ends of the partitions.
func (p *producer) flush(ctx context.Context) ([]int64, error) {
	if err := p.client.Flush(ctx); err != nil {
		return nil, fmt.Errorf("produce to %s: %w", p.topic, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ends, p.failed
}

// backlog is a topic that is loaded before anybody reads it.
type backlog struct {
	topic  string
	events int
	ends   []int64 // by partition
}

// backlogEnd is where the time of a backlog ends: Kafka refuses the future.
var backlogEnd = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// loadBacklog makes a topic and fills it. Kafka timestamps are the generator's.
func loadBacklog(b testing.TB, k *servers.KafkaServer, topic string, c gen.Config) backlog {
	b.Helper()
	createTopics(k, topic, partitions)
	p := newProducer(b, k, topic, partitions, 50*time.Millisecond)
	began := time.Now()
	c = inSpan(c)
	var r gen.Record
	for g := gen.New(c); g.Next(&r); {
		p.send(b.Context(), &r)
	}
	ends, err := p.flush(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	printf("%s: %d events over %v, loaded in %.1f s", topic, c.Events, c.Span, time.Since(began).Seconds())
	return backlog{topic: topic, events: c.Events, ends: ends}
}

// inSpan is the generator of a backlog over -span.
func inSpan(c gen.Config) gen.Config {
	c.Span, c.Start = *span, backlogEnd.Add(-*span)
	return c
}

func createTopics(k *servers.KafkaServer, topic string, partitions int) {
	k.CreateTopic(topic, partitions, nil)
	k.CreateTopic(topic+".dlq", 1, nil)
}

// sendPaced sends the events of c at an even rate, so many each 10 ms, and returns
// how long that took. The events' times begin now.
func sendPaced(b testing.TB, p *producer, c gen.Config) time.Duration {
	b.Helper()
	c.Start = time.Now()
	g := gen.New(c)
	var r gen.Record
	pace(10*time.Millisecond, c.Start, float64(c.Events)/c.Span.Seconds(), func(_ time.Time, sent int) bool {
		g.Next(&r)
		p.send(b.Context(), &r)
		return sent == c.Events
	})
	return time.Since(c.Start)
}
