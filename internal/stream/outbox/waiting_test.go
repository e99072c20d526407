package outbox

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics/metricstest"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// shut is a publisher that cannot write, and cannot find out what was published either if it is blind.
type shut struct{ blind bool }

func (p shut) LoadRecent(context.Context, int, int64) error {
	if p.blind {
		return errCut
	}
	return nil
}

func (shut) Write(context.Context, time.Time, int, []Entry) error { return errCut }

// TestWaitingShows: that crossings wait is in the metrics, all of them, also while it cannot be found out what was published before.
func TestWaitingShows(t *testing.T) {
	p := enginetest.Compile(t, outboxPack)
	store, registry := windowstore.NewMem(1), prometheus.NewRegistry()
	put := func(key, value []byte) {
		t.Helper()
		if err := store.Put(t.Context(), 0, key, value); err != nil {
			t.Fatal(err)
		}
	}
	put(store.Keys().AppendHeadKey(nil, 0), binary.BigEndian.AppendUint64([]byte("versionX"), 7_003))
	put(store.Keys().AppendPublishedKey(nil, 0), binary.BigEndian.AppendUint64(nil, 3))
	put(store.Keys().AppendOutboxKey(nil, 0, 3), storedEntry(time.Now().Add(-5*time.Second).UnixMilli(), []byte(`{"id":"A"}`)))
	r := NewRelay(NewOptions(store, nil, metrics.New(registry, p), discard), 0, 0)
	for _, r.Publish = range []Publisher{shut{blind: true}, shut{}} {
		r.Recent = false
		var unpublished *publishError
		if err := r.PublishAll(t.Context()); !errors.As(err, &unpublished) {
			t.Fatalf("error %v", err)
		}
		entries, oldest := metricstest.All(t, registry, "aggregator_outbox_entries")[0].GetGauge().GetValue(), metricstest.All(t, registry, "aggregator_outbox_oldest_seconds")[0].GetGauge().GetValue()
		if entries != 7_000 || oldest < 5 || oldest > 60 {
			t.Errorf("%v: %v wait, the oldest for %v s", r.Publish, entries, oldest)
		}
		r.Metrics.Waiting(0, 0, 0)
	}
}
