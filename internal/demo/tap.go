package demo

import (
	"context"
	"encoding/json"
	"time"

	"github.com/segmentio/kafka-go"
)

// crossing is a crossing as far as the demo shows it.
type crossing struct {
	Severity string      `json:"severity"`
	Rule     string      `json:"rule"`
	Level    json.Number `json:"level"`
	Summary  string      `json:"summary"`
	Detected time.Time   `json:"detected"`
}

// tap reads crossings as any consumer would: from their topic.
func tap(ctx context.Context, b *broker, take func(crossing)) {
	r := kafka.NewReader(kafka.ReaderConfig{
		Brokers: b.kafka.Brokers, Topic: b.kafka.Crossings, Partition: 0,
		MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 200 * time.Millisecond, ReadBackoffMin: 20 * time.Millisecond,
	})
	defer func() { _ = r.Close() }() // nothing is committed
	for ctx.Err() == nil {
		m, err := r.ReadMessage(ctx)
		if err != nil {
			continue // ctx ended, or the broker was not there for a moment
		}
		var a crossing
		if json.Unmarshal(m.Value, &a) == nil {
			take(a)
		}
	}
}
