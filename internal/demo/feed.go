package demo

import (
	"context"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
)

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

func newFeed(w *world, b *broker, rate int, read func() int) *feed {
	return &feed{world: w, rate: rate, read: read, writer: &kafka.Writer{
		Addr: b.kafka.Addr(), Topic: b.kafka.Events[0], Transport: b.kafka.Transport(), Balancer: &kafka.Hash{},
		BatchTimeout: 5 * time.Millisecond, BatchSize: 1_000, RequiredAcks: kafka.RequireAll,
	}}
}

// run sends until ctx ends.
func (f *feed) run(ctx context.Context) {
	defer f.close()
	last, owed := time.Now(), 0.0
	retry.Every(ctx, feedEvery, func(now time.Time) {
		owed = min(owed+now.Sub(last).Seconds()*float64(f.rate), float64(f.rate))
		last = now
		if f.sent-f.read() > mostUnread {
			return
		}
		n := max(0, int(owed)) // the time of a tick may lie before the last one
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
