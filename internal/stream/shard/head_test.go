package shard_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics/metricstest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard/shardtest"
)

// listPublisher keeps the ids that it was given.
type listPublisher struct{ ids []string }

func (p *listPublisher) LoadRecent(context.Context, int, int64) error { return nil }

func (p *listPublisher) Write(_ context.Context, _ time.Time, _ int, entries []outbox.Entry) error {
	for _, e := range entries {
		p.ids = append(p.ids, e.ID)
	}
	return nil
}

// TestHeadGone: the head of the outbox alone is lost while a shard has it in memory. What it
// announces next does not come under numbers that were published, where nobody would look for it.
func TestHeadGone(t *testing.T) {
	for published := range 2 {
		r := shardtest.NewClicksRig(t)
		pub := &listPublisher{}
		x := outbox.NewRelay(outbox.NewOptions(r.Store, pub, metrics.New(prometheus.NewRegistry(), r.Shard.Program), slog.New(slog.DiscardHandler)), 0, 0)
		r.Clicks(10)
		if published == 1 {
			if err := x.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Store.Delete(t.Context(), 0, r.Store.Keys().AppendHeadKey(nil, 0)); err != nil {
			t.Fatal(err)
		}
		r.Count(`{"id":"B","time":"2026-01-01T00:00:00Z","type":"click","incident":"B","count":10}`)
		if err := x.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if want := []string{"r/incident/A/1/0.8", "r/incident/A/1/1", "r/incident/B/1/0.8", "r/incident/B/1/1"}; !slices.Equal(pub.ids, want) {
			t.Errorf("published %v, want %v", pub.ids, want)
		}
		if n := metricstest.Value(r.Shard.Metrics.Gone); n != 1 {
			t.Errorf("%v records reported as gone", n)
		}
	}
}

// TestHeadAppears: another process writes the first crossing while a shard looks for the head. Nothing is gone.
func TestHeadAppears(t *testing.T) {
	r := shardtest.NewClicksRig(t)
	o := *r.Shard.Options
	o.Store = &afterLoad{r.Store, "head", func() { r.Clicks(10) }}
	other := shard.New(0, &o)
	next, err := other.ReadHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := metricstest.Value(r.Shard.Metrics.Gone); n != 0 || next != 2 {
		t.Errorf("%v records reported as gone; the head is %d, want 2", n, next)
	}
}

// TestHeadDamaged: a head that cannot be read stops the shard, which does not try for ever to replace it.
func TestHeadDamaged(t *testing.T) {
	r := shardtest.NewClicksRig(t)
	if err := r.Store.Put(t.Context(), 0, r.Store.Keys().AppendHeadKey(nil, 0), []byte("damaged")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	line := `{"id":"1","time":"2026-01-01T00:00:00Z","type":"click","incident":"A","count":10}`
	if err := r.Shard.Take(ctx, r.Assignment, r.Feeder.Chunk(t, []string{line})); !errors.Is(err, shard.ErrDamaged) {
		t.Fatal(err)
	}
}
