package shard_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics/metricstest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard/shardtest"
)

// TestStandsStillOnce: a shard that met damage stands still once, not again for the same one.
func TestStandsStillOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := shardtest.NewClicksRig(t)
		key := r.Store.Keys().AppendRecordKey(nil, 0, "incident", []byte("A"))
		r.Shard.MaxAge = 100 * time.Millisecond
		in := make(chan shard.Message, 2)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); r.Shard.Serve(ctx, in) }()
		const rounds = 20
		line := `{"id":"1","time":"2026-01-01T00:00:00Z","type":"click","incident":"A","count":1}`
		for range rounds {
			if err := r.Store.Put(ctx, 0, key, []byte("damaged!!")); err != nil {
				t.Fatal(err)
			}
			synctest.Wait() // the shard is at rest: what it stands at may be read
			in <- shard.Message{Kind: shard.BeginAssignment, Assignment: r.Assignment, Fence: r.Shard.Fence(0), Position: position.Position{Clock: engine.NoTime, Newest: engine.NoTime}}
			r.Feeder.Offset = 0
			in <- shard.Message{Kind: shard.TakeChunk, Assignment: r.Assignment, Chunk: r.Feeder.Chunk(t, []string{line})}
			if _, err := r.Assignment.Pool.Get(ctx); err != nil {
				t.Fatal(err)
			}
			retry.Wait(ctx, time.Second)
			if err := r.Store.Delete(ctx, 0, key); err != nil {
				t.Fatal(err)
			}
			retry.Wait(ctx, time.Minute)
		}
		cancel()
		<-done
		if n := metricstest.Value(r.Shard.Calls.Errors.WithLabelValues("decode", "other")); n != rounds {
			t.Fatalf("stood still %v times for %d faults", n, rounds)
		}
	})
}
