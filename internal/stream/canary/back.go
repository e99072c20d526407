package canary

import (
	"context"
	"encoding/json"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
)

// readBack reads the crossings of canaries until ctx ends.
func (c *Canaries) readBack(ctx context.Context) {
	pause := retry.Backoff{First: 100 * time.Millisecond, Most: 5 * time.Second}
	for ctx.Err() == nil {
		err := c.read(ctx, pause.Reset)
		if ctx.Err() != nil {
			return
		}
		if held, ok := c.unread.Pass(); ok {
			c.Log.Warn("canaries not read back", "topic", c.Topic, "error", explain.Kafka(err), "held_back", held)
		}
		pause.Wait(ctx)
	}
}

// read reads the topic, from shortly before its end on. It calls heard after each answer.
func (c *Canaries) read(ctx context.Context, heard func()) error {
	start, end, err := c.Source.Offsets(ctx, c.Topic, topicPartition)
	if err != nil {
		return err
	}
	stream := c.Source.Open(c.Topic, topicPartition, max(start, end-backMost))
	defer stream.Close()
	var record records.Record
	for {
		set, err := stream.Next(ctx)
		for more := err == nil; more; {
			if more, err = set.Read(ctx, &record); more {
				c.take(&record)
			}
		}
		if err != nil {
			return err
		}
		heard()
	}
}

// take measures a canary that is back.
func (c *Canaries) take(r *records.Record) {
	if d, ok := c.arrive(canaryOf(r)); ok {
		c.Metrics.Back(d.partition, time.Since(d.at), time.Now())
	}
}

// canaryOf is the id of the canary whose crossing a record is, in either form of CloudEvents; "": none.
func canaryOf(r *records.Record) string {
	type crossing struct {
		Evidence struct {
			Event string `json:"event"`
		} `json:"evidence"`
	}
	var x struct {
		crossing
		Data crossing `json:"data"`
	}
	if r.Fault != nil || json.Unmarshal(r.Value, &x) != nil {
		return ""
	}
	if x.Evidence.Event != "" {
		return x.Evidence.Event
	}
	return x.Data.Evidence.Event
}
