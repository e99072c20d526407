package stream

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// relay is a relay of what the shard announces.
func (r *sweepRig) relay(pub outbox.Publisher) *outbox.Relay {
	return outbox.NewRelay(outbox.NewOptions(r.store, pub, r.shard.Metrics, discard), 0, 0)
}

// listPublisher keeps the ids that it was given.
type listPublisher struct{ ids []string }

func (p *listPublisher) LoadRecent(context.Context, int, int64) error { return nil }

func (p *listPublisher) Write(_ context.Context, _ time.Time, _ int, entries []outbox.Entry) error {
	for _, e := range entries {
		p.ids = append(p.ids, e.ID)
	}
	return nil
}

// shut is a publisher that cannot write.
type shut struct{}

func (shut) LoadRecent(context.Context, int, int64) error { return nil }

func (shut) Write(context.Context, time.Time, int, []outbox.Entry) error { return errCut }

// storedEntry is an entry of the outbox with nothing but the record, as earlier versions wrote all.
func storedEntry(timestamp int64, record []byte) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(timestamp)), record...)
}

// cross brings another incident to its limit.
func (r *sweepRig) cross(incident string) {
	r.t.Helper()
	line := fmt.Sprintf(`{"id":%q,"time":"2026-01-01T00:00:00Z","type":"click","incident":%q,"count":10}`, incident, incident)
	r.feed.feed(r.t, r.shard, r.lease, line)
}

// TestHeadGone: the head of the outbox alone is lost while a shard has it in memory. What it
// announces next does not come under numbers that were published, where nobody would look for it.
func TestHeadGone(t *testing.T) {
	for published := range 2 {
		r := newSweepRig(t)
		pub := &listPublisher{}
		x := r.relay(pub)
		r.clicks(10)
		if published == 1 {
			if err := x.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.store.Delete(t.Context(), 0, r.store.Keys().AppendHeadKey(nil, 0)); err != nil {
			t.Fatal(err)
		}
		r.cross("B")
		if err := x.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if want := []string{"r/incident/A/1/0.8", "r/incident/A/1/1", "r/incident/B/1/0.8", "r/incident/B/1/1"}; !slices.Equal(pub.ids, want) {
			t.Errorf("published %v, want %v", pub.ids, want)
		}
		if n := told(r.shard.Metrics.Gone); n != 1 {
			t.Errorf("%v records gone, as told", n)
		}
	}
}

// TestHeadAppears: another process writes the first crossing while a shard looks for the head. Nothing is gone.
func TestHeadAppears(t *testing.T) {
	r := newSweepRig(t)
	o := *r.shard.Options
	o.Store = &between{r.store, "head", func() { r.clicks(10) }}
	other := shard.New(0, &o)
	next, err := other.ReadHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := told(r.shard.Metrics.Gone); n != 0 || next != 2 {
		t.Errorf("%v records gone, as told; the head is %d, want 2", n, next)
	}
}

// TestHeadDamaged: a head that cannot be read stops the shard, which does not try for ever to replace it.
func TestHeadDamaged(t *testing.T) {
	r := newSweepRig(t)
	if err := r.store.Put(t.Context(), 0, r.store.Keys().AppendHeadKey(nil, 0), []byte("damaged")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	line := `{"id":"1","time":"2026-01-01T00:00:00Z","type":"click","incident":"A","count":10}`
	if err := r.shard.Take(ctx, r.lease, r.feed.run(t, []string{line})); !errors.Is(err, shard.ErrDamaged) {
		t.Fatal(err)
	}
}

// TestOutboxIsMeasured: the depth is that of the whole outbox, not of what is published at once; who gives an
// outbox up tells no more of it.
func TestOutboxIsMeasured(t *testing.T) {
	r := newSweepRig(t)
	put := func(key, value []byte) {
		if err := r.store.Put(t.Context(), 0, key, value); err != nil {
			t.Fatal(err)
		}
	}
	for i := range uint64(outbox.RelayMost + 100) {
		put(r.store.Keys().AppendOutboxKey(nil, 0, i), storedEntry(5000, fmt.Appendf(nil, `{"id":"%d"}`, i)))
	}
	put(r.store.Keys().AppendHeadKey(nil, 0), binary.BigEndian.AppendUint64([]byte("versionX"), outbox.RelayMost+100))
	x := r.relay(shut{})
	if err := x.Drain(t.Context()); !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	if n := told(x.Metrics.Depth); n != outbox.RelayMost+100 {
		t.Errorf("depth %v, want %d", n, outbox.RelayMost+100)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	quiet := make(chan struct{})
	close(quiet)
	x.Run(ctx, quiet)
	if n := len(seriesOf(x.Metrics.Depth)) + len(seriesOf(x.Metrics.Age)); n != 0 {
		t.Errorf("%d series are left", n)
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
	r := newSweepRig(t)
	r.clicks(10)
	x := r.relay(&listPublisher{})
	x.Store = &untrimmed{r.store, 1}
	if err := x.PublishAll(t.Context()); !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	if err := x.PublishAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := r.store.Scan(t.Context(), 0, []byte("{00}o:"), func(key []byte) bool { t.Errorf("left for ever: %s", key); return true })
	if err != nil {
		t.Fatal(err)
	}
}
