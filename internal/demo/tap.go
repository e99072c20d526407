package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
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

// tap reads events and crossings as any consumer would: from their topics, each partition in its order. Its client of Kafka is another one than
// the service has.
type tap struct {
	client    *kgo.Client
	crossings string // the topic
	// What it takes.
	event    func(*kgo.Record)
	crossing func(*kgo.Record)
	// How many it took.
	events, crossed atomic.Int64
}

func newTap(b *broker) (*tap, error) {
	at := kgo.NewOffset().AtStart()
	from := map[string]map[int32]kgo.Offset{b.kafka.Crossings: {0: at}, b.kafka.Events[0]: {}}
	for p := range int32(partitions) {
		from[b.kafka.Events[0]][p] = at
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(b.kafka.Brokers...), kgo.ConsumePartitions(from), kgo.FetchMaxWait(200*time.Millisecond),
		kgo.FetchMaxBytes(4<<20), kgo.FetchMaxPartitionBytes(1<<20))
	if err != nil {
		return nil, fmt.Errorf("read the topics of the embedded broker: %w", err)
	}
	return &tap{client: client, crossings: b.kafka.Crossings}, nil
}

// run reads until ctx ends.
func (t *tap) run(ctx context.Context) {
	defer t.client.Close()
	for ctx.Err() == nil {
		t.client.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			if r.Topic == t.crossings {
				t.crossing(r)
				t.crossed.Add(1)
				return
			}
			t.event(r)
			t.events.Add(1)
		})
	}
}
