package demo

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
)

// crossing is a crossing as far as the demo shows it.
type crossing struct {
	Severity string              `json:"severity"`
	Rule     string              `json:"rule"`
	Title    string              `json:"title"`
	By       string              `json:"by"`
	Subject  string              `json:"subject"`
	Level    json.Number         `json:"level"`
	Summary  string              `json:"summary"`
	Reached  []string            `json:"reached"`
	Measures map[string]measured `json:"measures"`
	Detected time.Time           `json:"detected"`
}

// measured is what a crossing says of a measure.
type measured struct {
	Value uint64 `json:"value"`
	Limit uint64 `json:"limit"`
}

// numbers are those of the measure that reached the level. Where only all of them together did, they
// are those of the measure that is nearest to its own limit.
func (a *crossing) numbers() string {
	among := a.Reached
	if len(among) == 0 {
		among = slices.Sorted(maps.Keys(a.Measures))
	}
	var best part
	for i, name := range among {
		m := a.Measures[name]
		if one := (part{name, m.Value, m.Limit}); i == 0 || one.of() > best.of() {
			best = one
		}
	}
	return best.numbers()
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
