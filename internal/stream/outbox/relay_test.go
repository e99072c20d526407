package outbox

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics/metricstest"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// listPublisher keeps the ids it was given; during does something while the
// first of them are under way.
type listPublisher struct {
	ids    []string
	during func()
}

func (p *listPublisher) LoadRecent(context.Context, int, int64) error { return nil }

func (p *listPublisher) Write(_ context.Context, _ time.Time, _ int, entries []Entry) error {
	for _, e := range entries {
		p.ids = append(p.ids, e.ID)
	}
	if f := p.during; f != nil {
		p.during = nil
		f()
	}
	return nil
}

// storedEntry is an entry of the outbox with nothing but the record, as earlier versions wrote all.
func storedEntry(timestamp int64, record []byte) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(timestamp)), record...)
}

// replaced is a store that is another one after a number of reads.
type replaced struct {
	*windowstore.Mem
	next *windowstore.Mem
	left int
}

func (s *replaced) Load(ctx context.Context, shard int, keys, dst [][]byte) ([][]byte, error) {
	if s.left--; s.left == -1 {
		s.Mem = s.next
	}
	return s.Mem.Load(ctx, shard, keys, dst)
}

// backAfter is a store that does something after its first commit, before the answer.
type backAfter struct {
	*windowstore.Mem
	after func()
}

func (s *backAfter) Commit(ctx context.Context, shard int, c *windowstore.Commit) (windowstore.Result, error) {
	res, err := s.Mem.Commit(ctx, shard, c)
	if f := s.after; f != nil {
		s.after = nil
		f()
	}
	return res, err
}

// TestStoreGoesBackBeforeTrim: the store goes back after crossings were noted, and a
// recount puts another one under the number of the first before that is deleted.
func TestStoreGoesBackBeforeTrim(t *testing.T) {
	p := enginetest.Compile(t, "{pack: p, measures: {c: {sum: count, types: [click]}}, rules: [{id: r, by: incident, window: 1d, step: 1h, limits: {c: 9}}]}")
	store := &backAfter{Mem: windowstore.NewMem(1)}
	fill := func(version string, ids ...string) {
		put := func(key, value []byte) {
			if err := store.Put(t.Context(), 0, key, value); err != nil {
				t.Fatal(err)
			}
		}
		put(store.Keys().AppendHeadKey(nil, 0), binary.BigEndian.AppendUint64([]byte(version), uint64(len(ids))))
		for i, id := range ids {
			put(store.Keys().AppendOutboxKey(nil, 0, uint64(i)), storedEntry(0, fmt.Appendf(nil, `{"id":%q}`, id)))
		}
	}
	fill("version1", "A0", "A1")
	store.after = func() {
		_ = store.Delete(t.Context(), 0, store.Keys().AppendPublishedKey(nil, 0), store.Keys().AppendOutboxKey(nil, 0, 1))
		fill("version2", "B0")
	}
	pub := &listPublisher{}
	r := NewRelay(NewOptions(store, pub, metrics.New(prometheus.NewRegistry(), p), discard), 0, 0)
	for range 2 {
		if err := r.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"A0", "A1", "B0"}; !slices.Equal(pub.ids, want) {
		t.Fatalf("published %v, want %v", pub.ids, want)
	}
}

// TestStoreLostWhilePublishing: between two reads of a relay, or before it notes, the
// store loses everything. A recount puts the same crossings under the same numbers: they
// must not be noted before.
func TestStoreLostWhilePublishing(t *testing.T) {
	p := enginetest.Compile(t, "{pack: p, measures: {c: {sum: count, types: [click]}}, rules: [{id: r, by: incident, window: 1d, step: 1h, limits: {c: 9}}]}")
	for reads := range 5 {
		store := &replaced{windowstore.NewMem(1), windowstore.NewMem(1), reads}
		keys := store.Keys()
		fill := func(key, value []byte) {
			if err := store.Put(t.Context(), 0, key, value); err != nil {
				t.Fatal(err)
			}
		}
		fill(keys.AppendHeadKey(nil, 0), binary.BigEndian.AppendUint64([]byte("versionX"), 2))
		fill(keys.AppendOutboxKey(nil, 0, 1), storedEntry(0, []byte(`{"id":"A"}`))) // the first is missing
		pub := &listPublisher{during: func() {
			if reads == 4 {
				store.Mem = windowstore.NewMem(1)
			}
		}}
		r := NewRelay(NewOptions(store, pub, metrics.New(prometheus.NewRegistry(), p), discard), 0, 0)
		if err := r.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		values, err := store.Load(t.Context(), 0, [][]byte{keys.AppendHeadKey(nil, 0), keys.AppendPublishedKey(nil, 0)}, nil)
		if err != nil || (values[0] == nil) != (values[1] == nil) {
			t.Fatalf("case %d: head %x, noted %x, %v", reads, values[0], values[1], err)
		}
	}
}

// TestOutboxFilledAgain: between two reads of a relay the store loses everything, and a recount fills the outbox again. Its numbers begin
// at 0, and what the relay takes for the first entry is the third.
func TestOutboxFilledAgain(t *testing.T) {
	pub := &listPublisher{}
	r, store := waitingRelay(t, 3, pub)
	if err := store.Put(t.Context(), 0, store.Keys().AppendPublishedKey(nil, 0), binary.BigEndian.AppendUint64(nil, 2)); err != nil {
		t.Fatal(err)
	}
	_, recounted := waitingRelay(t, 3, pub)
	r.Store = &replaced{store, recounted, 1}
	if err := r.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"0", "1", "2"}; !slices.Equal(pub.ids, want) {
		t.Fatalf("published %v, want %v", pub.ids, want)
	}
}

// TestStoreGoesBackWhilePublishing: while crossings are under way to Kafka the
// store goes back to before them, and a recount puts others under their numbers.
// Noting the first must not pass over those.
func TestStoreGoesBackWhilePublishing(t *testing.T) {
	p := enginetest.Compile(t, "{pack: p, measures: {c: {sum: count, types: [click]}}, rules: [{id: r, by: incident, window: 1d, step: 1h, limits: {c: 9}}]}")
	store := windowstore.NewMem(1)
	fill := func(ids ...string) {
		head := binary.BigEndian.AppendUint64([]byte("versionX"), uint64(len(ids)))
		if err := store.Put(t.Context(), 0, store.Keys().AppendHeadKey(nil, 0), head); err != nil {
			t.Fatal(err)
		}
		for i, id := range ids {
			e := storedEntry(0, fmt.Appendf(nil, `{"id":%q}`, id))
			if err := store.Put(t.Context(), 0, store.Keys().AppendOutboxKey(nil, 0, uint64(i)), e); err != nil {
				t.Fatal(err)
			}
		}
	}
	fill("A0", "A1", "A2")
	pub := &listPublisher{during: func() { fill("B0", "A0", "A1") }}
	r := NewRelay(NewOptions(store, pub, metrics.New(prometheus.NewRegistry(), p), discard), 0, 0)
	if err := r.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"A0", "A1", "A2", "B0", "A0", "A1"}; !slices.Equal(pub.ids, want) {
		t.Fatalf("published %v, want %v", pub.ids, want)
	}
	if err := r.Drain(t.Context()); err != nil || len(pub.ids) != 6 {
		t.Fatalf("published again: %v, %v", pub.ids, err)
	}
}

// TestLaterFormatStandsStill: an entry that is whole, and that this version cannot read, is not passed over; those before it are published, and a
// damaged one is not waited for.
func TestLaterFormatStandsStill(t *testing.T) {
	p := enginetest.Compile(t, outboxPack)
	store, registry := windowstore.NewMem(1), prometheus.NewRegistry()
	later := []byte("\x00\x00\x00\x00\x00\x00\x00\x00\x07later")
	later = binary.BigEndian.AppendUint64(later, xxhash.Sum64(later))
	entries := [][]byte{storedEntry(0, []byte(`{"id":"A"}`)), []byte("damaged"), storedEntry(0, []byte(`{"id":"B"}`)), later, storedEntry(0, []byte(`{"id":"C"}`))}
	put := func(key, value []byte) {
		t.Helper()
		if err := store.Put(t.Context(), 0, key, value); err != nil {
			t.Fatal(err)
		}
	}
	put(store.Keys().AppendHeadKey(nil, 0), binary.BigEndian.AppendUint64([]byte("versionX"), uint64(len(entries))))
	for i, e := range entries {
		put(store.Keys().AppendOutboxKey(nil, 0, uint64(i)), e)
	}
	pub := &listPublisher{}
	r := NewRelay(NewOptions(store, pub, metrics.New(registry, p), discard), 0, 0)
	for range 3 {
		if err := r.Drain(t.Context()); !errors.Is(err, ErrUnreadable) || !strings.Contains(err.Error(), "publish crossings of shard 0: entry 3: outbox entry cannot be read: it has format 7, of a later version") {
			t.Errorf("error %v", err)
		}
	}
	if want := []string{"A", "B"}; !slices.Equal(pub.ids, want) {
		t.Errorf("published %v, want %v", pub.ids, want)
	}
	if n := metricstest.Series(t, registry, "aggregator_outbox_damaged_total", "").GetCounter().GetValue(); n != 1 {
		t.Errorf("%v damaged", n)
	}
	put(store.Keys().AppendOutboxKey(nil, 0, 3), storedEntry(0, []byte(`{"id":"later"}`))) // as a later version would read it
	if err := r.Drain(t.Context()); err != nil || !slices.Equal(pub.ids, []string{"A", "B", "later", "C"}) {
		t.Errorf("published %v, error %v", pub.ids, err)
	}
}

// severed is a store to which the connection breaks at reads, or at writes.
type severed struct {
	*windowstore.Mem
	reads, writes bool
}

func (s *severed) Load(ctx context.Context, shard int, keys, dst [][]byte) ([][]byte, error) {
	if s.reads {
		return nil, errCut
	}
	return s.Mem.Load(ctx, shard, keys, dst)
}

func (s *severed) Commit(ctx context.Context, shard int, c *windowstore.Commit) (windowstore.Result, error) {
	if s.writes {
		return windowstore.Result{}, errCut
	}
	return s.Mem.Commit(ctx, shard, c)
}

// TestRelayCountsStoreErrors: each call of the store that fails a relay is counted, and what ended by itself is not.
func TestRelayCountsStoreErrors(t *testing.T) {
	store, registry := &severed{Mem: windowstore.NewMem(1)}, prometheus.NewRegistry()
	keys := store.Keys()
	for key, value := range map[string][]byte{
		string(keys.AppendHeadKey(nil, 0)):      binary.BigEndian.AppendUint64([]byte("versionX"), 1),
		string(keys.AppendOutboxKey(nil, 0, 0)): storedEntry(0, []byte(`{"id":"A"}`)),
	} {
		if err := store.Put(t.Context(), 0, []byte(key), value); err != nil {
			t.Fatal(err)
		}
	}
	r := NewRelay(NewOptions(store, &listPublisher{}, metrics.New(registry, enginetest.Compile(t, outboxPack)), discard), 0, 0)
	ended, end := context.WithCancel(t.Context())
	end()
	for i, x := range []struct {
		ctx           context.Context
		reads, writes bool
		claim         Lease
		counted       float64
	}{
		{t.Context(), true, false, Lease{}, 1},
		{t.Context(), false, true, NewLease(1, 1), 2}, // to claim
		{t.Context(), false, true, Lease{}, 3},        // to note
		{ended, true, false, Lease{}, 3},
	} {
		store.reads, store.writes, r.Lease = x.reads, x.writes, x.claim
		if err := r.Drain(x.ctx); !errors.Is(err, errCut) {
			t.Errorf("%d: error %v", i, err)
		}
		if got := metricstest.Value(r.Calls.Errors.WithLabelValues(metrics.OperationOutbox, "broken")); got != x.counted {
			t.Errorf("%d: %v errors are counted, want %v", i, got, x.counted)
		}
	}
}
