package main

import (
	"context"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/seed-afe14ff2/aggregator/internal/stream"
)

// The demo's partitions: a few of events, and one of crossings, so that they are read in order.
const demoPartitions = 4

// demoBroker is a Kafka in this process.
type demoBroker struct {
	cluster *kfake.Cluster
	kafka   stream.Kafka
}

// startBroker starts a broker on a free port of the loopback interface. Of each
// partition it keeps the last megabytes; what falls out was counted long before, since the feed
// waits for the service.
func startBroker() (*demoBroker, error) {
	k := stream.Kafka{Group: "aggregator", ClientID: "aggregator", Events: []string{"dissemination-events"}, Crossings: "threshold-crossings"}
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.SeedTopics(demoPartitions, k.Events[0]),
		kfake.SeedTopics(1, k.Crossings, k.DeadTopic(k.Events[0])),
		kfake.BrokerConfigs(map[string]string{
			"log.message.timestamp.type": logAppendTime,
			"log.retention.bytes":        fmt.Sprint(4 << 20),
			"log.segment.bytes":          fmt.Sprint(1 << 20),
		}),
	)
	if err != nil {
		return nil, fmt.Errorf("start the embedded broker: %w", err)
	}
	k.Brokers = cluster.ListenAddrs()
	return &demoBroker{cluster: cluster, kafka: k}, nil
}

// trim drops what is beyond the broker's bound, now and then.
func (b *demoBroker) trim(ctx context.Context) {
	every(ctx, 5*time.Second, b.cluster.ApplyRetention)
}

// every calls f at intervals until ctx ends.
func every(ctx context.Context, interval time.Duration, f func()) {
	t := time.NewTicker(interval)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			f()
		}
	}
}

// feed sends the world's events at a rate.
type feed struct {
	world  *world
	writer *kafka.Writer
	rate   int // events a second
	sent   int
	// read is how many of them the service has read.
	read func() int
}

const (
	feedEvery = 50 * time.Millisecond
	// mostUnread is how many events may be under way: a feed that is faster than the
	// service waits for it.
	mostUnread = 10_000
)

func newFeed(w *world, b *demoBroker, rate int, read func() int) *feed {
	return &feed{world: w, rate: rate, read: read, writer: &kafka.Writer{
		Addr: b.kafka.Addr(), Topic: b.kafka.Events[0], Transport: b.kafka.Transport(), Balancer: &kafka.Hash{},
		BatchTimeout: 5 * time.Millisecond, BatchSize: 1_000, RequiredAcks: kafka.RequireAll,
	}}
}

// run sends until ctx ends.
func (f *feed) run(ctx context.Context) {
	defer f.close()
	last, owed := time.Now(), 0.0
	every(ctx, feedEvery, func() {
		now := time.Now()
		owed = min(owed+now.Sub(last).Seconds()*float64(f.rate), float64(f.rate))
		last = now
		if f.sent-f.read() > mostUnread {
			return
		}
		n := int(owed)
		owed -= float64(n)
		f.send(ctx, now, n)
	})
}

func (f *feed) send(ctx context.Context, now time.Time, n int) {
	messages := make([]kafka.Message, 0, n)
	for range n {
		key, value := f.world.next(now)
		messages = append(messages, kafka.Message{Key: key, Value: value})
	}
	if f.writer.WriteMessages(ctx, messages...) == nil {
		f.sent += n
	}
}

func (f *feed) close() {
	_ = f.writer.Close() // each write was waited for
	f.writer.Transport.(*kafka.Transport).CloseIdleConnections()
}
