package stream

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
)

// TestStandsStillOnce: a shard that met damage stands still once, not again for the same one.
func TestStandsStillOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSweepRig(t)
		key := r.store.Keys().AppendRecordKey(nil, 0, "incident", []byte("A"))
		r.shard.MaxAge = 100 * time.Millisecond
		in := make(chan shard.Message, 2)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); r.shard.Serve(ctx, in) }()
		const rounds = 20
		line := `{"id":"1","time":"2026-01-01T00:00:00Z","type":"click","incident":"A","count":1}`
		for range rounds {
			if err := r.store.Put(ctx, 0, key, []byte("damaged!!")); err != nil {
				t.Fatal(err)
			}
			synctest.Wait() // the shard is at rest: what it stands at may be read
			in <- shard.Message{Kind: shard.BeginAssignment, Assignment: r.lease, Fence: r.shard.Standing(0).Stored, Position: position.Position{Clock: engine.NoTime, Newest: engine.NoTime}}
			r.feed.offset = 0
			in <- shard.Message{Kind: shard.TakeChunk, Assignment: r.lease, Chunk: r.feed.run(t, []string{line})}
			if _, err := r.lease.Pool.Get(ctx); err != nil {
				t.Fatal(err)
			}
			retry.Wait(ctx, time.Second)
			if err := r.store.Delete(ctx, 0, key); err != nil {
				t.Fatal(err)
			}
			retry.Wait(ctx, time.Minute)
		}
		cancel()
		<-done
		if n := told(r.shard.Metrics.StoreErrors.WithLabelValues("decode", "other")); n != rounds {
			t.Fatalf("stood still %v times for %d faults", n, rounds)
		}
	})
}
