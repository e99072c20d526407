package board

import (
	"context"
	"encoding/json"
	"math"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/overview"
	"github.com/seed-afe14ff2/aggregator/internal/stream/roster"
)

// status is how the deployment does.
type status struct {
	Version    string        `json:"version"`
	Revision   string        `json:"revision"`
	Started    *string       `json:"started"`
	Group      string        `json:"group"`
	Now        *string       `json:"now"`
	StreamTime *string       `json:"stream_time"`
	Partitions []partition   `json:"partitions"`
	Rates      *roster.Rates `json:"rates"`
	Outbox     struct {
		Entries uint64  `json:"entries"`
		Oldest  float64 `json:"oldest_seconds"` // 0: none waits
	} `json:"outbox"`
	Crossings struct {
		Hour *int `json:"last_hour"`
		Day  *int `json:"last_day"`
	} `json:"crossings"`
	Rules inForce `json:"rules"`
}

// partition is how far a partition of the events is counted.
type partition struct {
	Topic      string   `json:"topic"`
	Partition  int      `json:"partition"`
	Owner      *string  `json:"owner"`
	Offset     *int64   `json:"offset"`
	End        int64    `json:"end"`
	LagRecords *int64   `json:"lag_records"`
	LagSeconds *float64 `json:"lag_seconds"`
}

// inForce is which rules a process decides by.
type inForce struct {
	Packs  []pack  `json:"packs"`
	Rules  int     `json:"rules"`
	Loaded *string `json:"loaded"`
	Error  *string `json:"error"`
	// Unannounced is how many subjects are at a level that was not announced, by rule, since rules changed; null: not known.
	Unannounced map[string]int `json:"unannounced"`
}

type pack struct {
	Name string `json:"pack"`
	Hash string `json:"hash"`
}

func (b *Board) getStatus(ctx context.Context, s *Sources, _ *query) (any, error) {
	text, err := b.status.get(ctx, s)
	return json.RawMessage(text), err
}

// readStatus puts the status together.
func (b *Board) readStatus(ctx context.Context, s *Sources) (any, error) {
	o, err := s.Overview.Read(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.Crossings.Current(); err != nil {
		return nil, err
	}
	now := time.Now()
	out := &status{
		Version: b.Version, Revision: b.Revision, Started: timeText(b.Started), Group: b.Group, Now: timeText(now),
		StreamTime: nanoText(o.StreamTime), Rates: rounded(s.Rates()), Rules: b.inForce(s.Program), Partitions: []partition{},
	}
	out.Rules.Unannounced = s.Unannounced()
	for i := range o.Partitions {
		out.Partitions = append(out.Partitions, newPartition(&o.Partitions[i], now))
	}
	out.Outbox.Entries = o.Outbox.Entries
	if o.Outbox.Oldest != engine.NoTime {
		out.Outbox.Oldest = age(o.Outbox.Oldest, now)
	}
	out.Crossings.Hour = countSince(s.Crossings, now.Add(-time.Hour))
	out.Crossings.Day = countSince(s.Crossings, now.AddDate(0, 0, -1))
	return out, nil
}

// countSince is how many crossings there were, without clears; nil: that is not known.
func countSince(c crossings, since time.Time) *int {
	n, known := c.Count("crossed", since)
	if !known {
		return nil
	}
	return &n
}

func newPartition(p *overview.Partition, now time.Time) partition {
	out := partition{Topic: p.Topic, Partition: p.Partition, End: p.End}
	if p.Owner != "" {
		out.Owner = &p.Owner
	}
	if p.Offset < 0 {
		return out
	}
	out.Offset, out.LagRecords = &p.Offset, &p.Lag
	switch {
	case p.Lag == 0:
		out.LagSeconds = new(float64)
	case p.Oldest != engine.NoTime:
		seconds := age(p.Oldest, now)
		out.LagSeconds = &seconds
	}
	return out
}

// age is how many seconds ago a Kafka timestamp (ms) was; 0 for one of the future.
func age(ms int64, now time.Time) float64 {
	return max(0, float64(now.UnixMilli()-ms)/1000)
}

// rounded is rates to a tenth.
func rounded(r *roster.Rates) *roster.Rates {
	if r == nil {
		return nil
	}
	tenth := func(f float64) float64 { return math.Round(f*10) / 10 }
	return &roster.Rates{
		Events: tenth(r.Events), Duplicate: tenth(r.Duplicate), Malformed: tenth(r.Malformed), Ahead: tenth(r.Ahead), Late: tenth(r.Late), Unmatched: tenth(r.Unmatched),
	}
}

func (b *Board) inForce(p *engine.Program) inForce {
	r := b.rules.Load()
	out := inForce{Packs: []pack{}, Loaded: timeText(r.Loaded)}
	if r.Faults != "" {
		out.Error = &r.Faults
	}
	for _, x := range p.Packs() {
		out.Packs = append(out.Packs, pack{x.Name, x.Hash})
		out.Rules += len(x.Rules)
	}
	return out
}
