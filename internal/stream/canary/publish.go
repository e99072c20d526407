package canary

import (
	"context"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
)

// topicPartition is the partition of the canaries' topic that their crossings go to: there are few of them, and they need no order.
const topicPartition = 0

// Hand is outbox.Canaries'.
func (c *Canaries) Hand(e *outbox.Entry) {
	select {
	case c.out <- c.message(e):
	default:
	}
}

func (c *Canaries) message(e *outbox.Entry) kafka.Message {
	m := c.Message(e, topicPartition)
	m.Topic = c.Topic
	return m
}

// Publish writes the crossings that are handed to it until ctx ends.
func (c *Canaries) Publish(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-c.out:
			c.publish(ctx, append(c.waiting(), m))
		}
	}
}

// waiting takes what else waits.
func (c *Canaries) waiting() (list []kafka.Message) {
	for range len(c.out) {
		list = append(list, <-c.out)
	}
	return list
}

func (c *Canaries) publish(ctx context.Context, list []kafka.Message) {
	sending, cancel := context.WithTimeout(ctx, sendPatience)
	defer cancel()
	err := c.Writer.WriteMessages(sending, time.Time{}, list...)
	if err == nil || ctx.Err() != nil {
		return
	}
	if held, ok := c.unpublished.Pass(); ok {
		c.Log.Warn("canary not published", "topic", c.Topic, "error", explain.Kafka(err), "held_back", held)
	}
}
