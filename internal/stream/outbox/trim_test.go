package outbox

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics/metricstest"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// waitingRelay is a relay of an outbox in which so many entries wait.
func waitingRelay(t *testing.T, entries uint64, pub Publisher) (*Relay, *windowstore.Mem) {
	t.Helper()
	store := windowstore.NewMem(1)
	put := func(key, value []byte) {
		t.Helper()
		if err := store.Put(t.Context(), 0, key, value); err != nil {
			t.Fatal(err)
		}
	}
	for i := range entries {
		put(store.Keys().AppendOutboxKey(nil, 0, i), storedEntry(5000, fmt.Appendf(nil, `{"id":"%d"}`, i)))
	}
	put(store.Keys().AppendHeadKey(nil, 0), binary.BigEndian.AppendUint64([]byte("versionX"), entries))
	m := metrics.New(prometheus.NewRegistry(), enginetest.Compile(t, outboxPack))
	return NewRelay(NewOptions(store, pub, m, discard), 0, 0), store
}

// TestOutboxIsMeasured: the depth is that of the whole outbox, not of what is published at once. It stays when the
// group is lost, until another process is given the outbox.
func TestOutboxIsMeasured(t *testing.T) {
	r, _ := waitingRelay(t, RelayMost+100, shut{})
	if err := r.Drain(t.Context()); !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	if n := metricstest.Value(r.Metrics.Depth); n != RelayMost+100 {
		t.Errorf("depth %v, want %d", n, RelayMost+100)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	quiet := make(chan struct{})
	close(quiet)
	r.Run(ctx, quiet)
	if n := len(metricstest.Of(r.Metrics.Depth)) + len(metricstest.Of(r.Metrics.Age)); n != 2 {
		t.Errorf("%d series are left, want both", n)
	}
}

// untrimmed is a store that fails the first deletes.
type untrimmed struct {
	*windowstore.Mem
	left int
}

func (s *untrimmed) Commit(ctx context.Context, shard int, c *windowstore.Commit) (windowstore.Result, error) {
	if len(c.Deletes) > 0 {
		if s.left--; s.left >= 0 {
			return windowstore.Result{}, errCut
		}
	}
	return s.Mem.Commit(ctx, shard, c)
}

// TestEntriesAreDeleted: entries that were noted and could not be deleted are deleted later.
func TestEntriesAreDeleted(t *testing.T) {
	r, store := waitingRelay(t, 2, &listPublisher{})
	r.Store = &untrimmed{store, 1}
	if err := r.PublishAll(t.Context()); !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	if err := r.PublishAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := store.Scan(t.Context(), 0, []byte("{00}o:"), func(key []byte) bool { t.Errorf("left for ever: %s", key); return true })
	if err != nil {
		t.Fatal(err)
	}
}
