package stream

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
)

// TestStandsStillOnce: a shard that met damage stands still once, not again for the same one.
func TestStandsStillOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSweepRig(t)
		key := r.store.Keys().AppendRecordKey(nil, 0, "incident", []byte("A"))
		r.shard.maxAge = 100 * time.Millisecond
		in := make(chan message, 2)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); r.shard.serve(ctx, in) }()
		const rounds = 20
		line := `{"id":"1","time":"2026-01-01T00:00:00Z","type":"click","incident":"A","count":1}`
		for range rounds {
			if err := r.store.Put(ctx, 0, key, []byte("damaged!!")); err != nil {
				t.Fatal(err)
			}
			in <- message{kind: beginAssignment, assignment: r.lease, fence: r.shard.states[0].stored, position: position{clock: noTime, newest: noTime}}
			r.feed.offset = 0
			in <- message{kind: takeChunk, assignment: r.lease, chunk: r.feed.run(t, []string{line})}
			if _, err := r.lease.pool.get(ctx); err != nil {
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
		if n := told(r.shard.metrics.storeErrors.WithLabelValues("decode", "other")); n != rounds {
			t.Fatalf("stood still %v times for %d faults", n, rounds)
		}
	})
}

// TestEvict: what is in the batch stays in memory whatever that is bounded to, and goes with the next one.
func TestEvict(t *testing.T) {
	r := newSweepRig(t)
	s := r.shard
	line := `{"id":"1","time":"2026-01-01T00:00:00Z","type":"click","incident":"A","count":1}`
	r.feed.feed(t, s, r.lease, line)
	s.cacheBytes = 1
	s.evict()
	if s.evict(); len(s.subjects) != 1 || s.emptied != s.batch.number {
		t.Fatalf("%d subjects in memory; looked through in batch %d, now %d", len(s.subjects), s.emptied, s.batch.number)
	}
	if err := s.commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.evict(); len(s.subjects) != 0 || s.bytes != 0 || told(s.metrics.evicted) != 1 {
		t.Fatalf("%d subjects of %d bytes in memory, %v evicted", len(s.subjects), s.bytes, told(s.metrics.evicted))
	}
}
