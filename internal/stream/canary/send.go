package canary

import (
	"context"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// sendPatience bounds how long a canary is on its way into the log: longer than Kafka takes to give a partition another leader.
const sendPatience = 15 * time.Second

// awayMost is how long a canary is waited for. The next one of its partition forgets it then.
const awayMost = time.Hour

// sendAll sends a partition's canaries until ctx ends.
func (c *Canaries) sendAll(ctx context.Context, partition int, lag func() time.Duration) {
	for {
		if retry.Wait(ctx, time.Until(c.due(partition))); ctx.Err() != nil {
			return
		}
		c.send(ctx, partition, min(lag(), engine.CanaryLag))
	}
}

// due is when the next canary of a partition is due. A rebalance does not change it.
func (c *Canaries) due(partition int) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.next[partition]
}

// send sends a canary, and says if it could not. Its time is as far behind as that of events: it must not be ahead of those that are
// on their way, whose windows it would end before they come.
func (c *Canaries) send(ctx context.Context, partition int, lag time.Duration) {
	now := time.Now()
	id := string(engine.AppendCanaryID(nil, c.Secret, partition, now.UnixNano()))
	c.depart(id, departed{partition, now})
	sending, cancel := context.WithTimeout(ctx, sendPatience)
	defer cancel()
	err := c.Writer.WriteMessages(sending, now.Add(sendPatience), c.event(id, partition, now.Add(-lag)))
	if err == nil || ctx.Err() != nil {
		return
	}
	if held, ok := c.unsent.Pass(); ok {
		c.Log.Warn("canary not sent", "topic", c.Events, "partition", partition, "error", explain.Kafka(err), "held_back", held)
	}
}

// event is a canary as a record.
func (c *Canaries) event(id string, partition int, at time.Time) kafka.Message {
	subject := engine.AppendCanarySubject(nil, partition)
	return kafka.Message{
		Topic: c.Events, WriterData: partition, Key: subject,
		Value: fmt.Appendf(nil, `{"id":%q,"time":%q,"type":%q,"incident":%q}`, id, at.UTC().Format(time.RFC3339Nano), thresholds.CanaryType, subject),
	}
}

// depart notes that a canary is about to be sent. Those that have been away for too long are forgotten.
func (c *Canaries) depart(id string, d departed) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next[d.partition] = d.at.Add(c.Every)
	for old, x := range c.away {
		if x.partition == d.partition && d.at.Sub(x.at) > awayMost {
			delete(c.away, old)
		}
	}
	c.away[id] = d
}

// arrive notes that a canary is back; false: it is not one that this process waits for.
func (c *Canaries) arrive(id string) (departed, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d, ok := c.away[id]
	delete(c.away, id)
	return d, ok
}
