package coverage

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// coveragePack has two counters of incidents: clicks, and readers, which one rule reads.
const coveragePack = `
pack: p
measures:
  clicks:  {sum: count, types: [click]}
  readers: {distinct: account, types: [click, view]}
rules:
  - {id: clicks, by: incident, window: 10m, step: 1m, limits: {clicks: 200}, clear: 0.4}
` + readersRule

// ms is a millisecond: counters begin with the one after what was counted without them.
const ms = int64(time.Millisecond)

const readersRule = "  - {id: readers, by: incident, window: 1h, step: 1m, limits: {readers: 100}, levels: [0.5, 1], clear: 0.3}\n"

// TestSincesForget: a counter that was taken out of the packs and brought back has begun when it was brought back.
func TestSincesForget(t *testing.T) {
	both := enginetest.Compile(t, coveragePack)
	without := enginetest.Compile(t, strings.Replace(coveragePack, readersRule, "", 1))
	readers := both.Kinds[thresholds.Incident].Rules[1].Counters[0]
	store := windowstore.NewMem(1)
	carry := func(p *engine.Program, newest int64, hashes ...uint64) *Coverage {
		t.Helper()
		n := NewCoverage(store, p, nil, 1, 1, slog.New(slog.DiscardHandler))
		if err := n.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		var marks []position.Position
		for _, h := range hashes {
			marks = append(marks, position.Position{Newest: newest * ms, Pack: h})
		}
		if n.Pending() {
			if err := n.Observe(t.Context(), marks); err != nil {
				t.Fatal(err)
			}
		}
		return n
	}
	f := func(n *Coverage, want int64, unsettled bool) {
		t.Helper()
		if got := n.Since(thresholds.Incident, readers); got != want || n.Pending() != unsettled {
			t.Errorf("since %d, unsettled %v, want %d, %v", got, n.Pending(), want, unsettled)
		}
	}
	f(carry(both, 10, both.Hash), 0, false)
	if n := carry(without, 20, without.Hash, both.Hash); !n.Pending() {
		t.Error("the counter was forgotten before all partitions were read without it")
	}
	f(carry(both, 25, both.Hash), 0, false)
	if n := carry(without, 30, without.Hash, without.Hash); n.Pending() {
		t.Error("the counter was not forgotten")
	}
	f(carry(both, 40, both.Hash, without.Hash), 41*ms, true)
	f(carry(both, 50, both.Hash, both.Hash), 51*ms, false)
	f(carry(both, 60, both.Hash, both.Hash), 51*ms, false)
}

// commitFails is a store of which the first commits fail.
type commitFails struct {
	*windowstore.Mem
	left int
}

func (s *commitFails) Commit(ctx context.Context, shard int, c *windowstore.Commit) (windowstore.Result, error) {
	if s.left--; s.left >= 0 {
		return windowstore.Result{}, errors.New("cut")
	}
	return s.Mem.Commit(ctx, shard, c)
}

// TestSinceThatWasNotStored: since when a counter is kept does not hold before it is stored: a restart would change it.
func TestSinceThatWasNotStored(t *testing.T) {
	p := enginetest.Compile(t, coveragePack)
	store := &commitFails{windowstore.NewMem(1), 1}
	if err := store.Mem.Put(t.Context(), 0, store.Keys().AppendMetaKey(nil, 0, windowstore.SettingCounters), []byte("{}")); err != nil {
		t.Fatal(err)
	}
	f := func(newest, want int64) {
		t.Helper()
		n := NewCoverage(store, p, nil, 1, 1, slog.New(slog.DiscardHandler))
		if err := n.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		for n.Pending() {
			if err := n.Observe(t.Context(), []position.Position{{Newest: newest * ms, Pack: p.Hash}}); err != nil && store.left < 0 {
				t.Fatal(err)
			}
		}
		if got := n.Since(0, 0); got != want {
			t.Errorf("since %d, want %d", got, want)
		}
	}
	f(10, 11*ms)
	f(20, 11*ms)
}

// TestSinceOfAllShards: a counter has begun when no shard counts by the old packs any more, at the newest time of any.
func TestSinceOfAllShards(t *testing.T) {
	p := enginetest.Compile(t, coveragePack)
	store := windowstore.NewMem(2)
	if err := store.Put(t.Context(), 0, store.Keys().AppendMetaKey(nil, 0, windowstore.SettingCounters), []byte("{}")); err != nil {
		t.Fatal(err)
	}
	n := NewCoverage(store, p, []position.TopicPartition{{Topic: "events", Partition: 0}}, 2, 1, slog.New(slog.DiscardHandler))
	first := position.Position{Newest: 10 * ms, Pack: p.Hash}
	if err := store.Put(t.Context(), 0, store.Keys().AppendFenceKey(nil, 0, "events", 0), first.AppendFence(nil, 1)); err != nil {
		t.Fatal(err)
	}
	f := func(other position.Position, want bool) {
		t.Helper()
		if err := store.Put(t.Context(), 1, store.Keys().AppendFenceKey(nil, 1, "events", 0), other.AppendFence(nil, 1)); err != nil {
			t.Fatal(err)
		}
		if err := n.Observe(t.Context(), []position.Position{{Newest: 10 * ms, Pack: p.Hash}}); err != nil || n.Pending() == want {
			t.Errorf("other shard at %+v: begun %v, error %v; want %v", other, !n.Pending(), err, want)
		}
	}
	f(position.Position{Newest: 30 * ms, Pack: p.Hash + 1}, false)
	f(position.Position{Newest: 40 * ms, Pack: p.Hash}, true)
	if got := n.Since(0, 0); got != 41*ms {
		t.Errorf("since %d, want 41 ms", got)
	}
}

// TestLeftOutShortly: a counter that a process left out, however shortly, begins again for all: also for one that ran all the time.
func TestLeftOutShortly(t *testing.T) {
	both := enginetest.Compile(t, coveragePack)
	without := enginetest.Compile(t, strings.Replace(coveragePack, readersRule, "", 1))
	readers := both.Kinds[thresholds.Incident].Rules[1].Counters[0]
	for _, how := range []string{"it takes the partition back", "it looks at the settings"} {
		store := windowstore.NewMem(1)
		fence := func(p *engine.Program, newest int64) {
			m := position.Position{Newest: newest * ms, Pack: p.Hash}
			if err := store.Put(t.Context(), 0, store.Keys().AppendFenceKey(nil, 0, "events", 0), m.AppendFence(nil, 1)); err != nil {
				t.Fatal(err)
			}
		}
		begin := func(p *engine.Program) *Coverage {
			n := NewCoverage(store, p, []position.TopicPartition{{Topic: "events"}}, 1, 1, slog.New(slog.DiscardHandler))
			if err := n.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := n.Enact(t.Context()); err != nil {
				t.Fatal(err)
			}
			return n
		}
		fence(both, 10)
		n := begin(both)
		if got := n.Since(thresholds.Incident, readers); got != 0 {
			t.Errorf("%s: at first since %d", how, got)
		}
		taken := n.Taken()
		begin(without)
		fence(without, 20)
		fence(both, 30)
		if how == "it takes the partition back" {
			if err := n.Enact(t.Context()); err != nil {
				t.Fatal(err)
			}
		} else {
			stored, err := store.Load(t.Context(), 0, [][]byte{n.key()}, nil)
			if err != nil {
				t.Fatal(err)
			}
			n.Follow(stored[0], taken+1) // of before
			if got := n.Since(thresholds.Incident, readers); got != 0 {
				t.Errorf("%s: an old look says since %d", how, got)
			}
			if n.Follow(stored[0], taken); !n.Pending() {
				t.Errorf("%s: the counter is not missed", how)
			}
			if err := n.Observe(t.Context(), []position.Position{{Newest: 30 * ms, Pack: both.Hash}}); err != nil {
				t.Fatal(err)
			}
		}
		if got := n.Since(thresholds.Incident, readers); got != 31*ms || n.Pending() {
			t.Errorf("%s: since %d, want 31 ms", how, got)
		}
	}
}

// TestLeftOutByTwo: two processes that leave out a counter each, at the same time, take out both.
func TestLeftOutByTwo(t *testing.T) {
	both := enginetest.Compile(t, coveragePack)
	without := enginetest.Compile(t, strings.Replace(coveragePack, readersRule, "", 1))
	store := &meddled{Mem: windowstore.NewMem(1)}
	all := NewCoverage(store, both, nil, 1, 1, slog.New(slog.DiscardHandler))
	if err := all.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	store.meddle = func() { // somebody else is faster
		n := NewCoverage(store, both, nil, 1, 1, slog.New(slog.DiscardHandler))
		clicks := both.Kinds[thresholds.Incident].Layout.Counters[both.Kinds[thresholds.Incident].Rules[0].Counters[0]].ID
		if err := n.change(t.Context(), nil, func(starts map[uint64]int64, _ []position.Position) bool { delete(starts, clicks); return true }); err != nil {
			t.Fatal(err)
		}
	}
	n := NewCoverage(store, without, nil, 1, 1, slog.New(slog.DiscardHandler))
	if err := n.change(t.Context(), nil, n.leaveOut); err != nil {
		t.Fatal(err)
	}
	if err := all.Load(t.Context()); err != nil || len(all.starts) != 0 {
		t.Errorf("%v, %v are kept yet", err, all.starts)
	}
}

// meddled is a store in which something happens before the first commit.
type meddled struct {
	*windowstore.Mem
	meddle func()
}

func (s *meddled) Commit(ctx context.Context, shard int, c *windowstore.Commit) (windowstore.Result, error) {
	if f := s.meddle; f != nil {
		s.meddle = nil
		f()
	}
	return s.Mem.Commit(ctx, shard, c)
}

// TestBegunTooLate: a counter has not begun where a process of other packs took a partition after the fences were looked at.
func TestBegunTooLate(t *testing.T) {
	p := enginetest.Compile(t, coveragePack)
	store := &meddled{Mem: windowstore.NewMem(1)}
	fence := func(pack uint64) {
		m := position.Position{Newest: 10 * ms, Pack: pack}
		if err := store.Mem.Put(t.Context(), 0, store.Keys().AppendFenceKey(nil, 0, "events", 0), m.AppendFence(nil, pack)); err != nil {
			t.Fatal(err)
		}
	}
	n := NewCoverage(store, p, []position.TopicPartition{{Topic: "events"}}, 1, 1, slog.New(slog.DiscardHandler))
	if err := store.Put(t.Context(), 0, n.key(), []byte("{}")); err != nil {
		t.Fatal(err)
	}
	fence(p.Hash)
	store.meddle = func() { fence(p.Hash + 1) }
	if err := n.Enact(t.Context()); err != nil || !n.Pending() {
		t.Errorf("begun: %v, %v", !n.Pending(), err)
	}
	fence(p.Hash)
	if err := n.Enact(t.Context()); err != nil || n.Pending() {
		t.Errorf("begun: %v, %v", !n.Pending(), err)
	}
}

// answering is a store that does something while it puts.
type answering struct {
	*windowstore.Mem
	meanwhile func()
}

func (s *answering) PutAbsent(ctx context.Context, shard int, key, value []byte) ([]byte, error) {
	s.meanwhile()
	return s.Mem.PutAbsent(ctx, shard, key, value)
}

// TestRestoreHoldsNobodyUp: while what is known is put back into the store, others look and write.
func TestRestoreHoldsNobodyUp(t *testing.T) {
	store := &answering{Mem: windowstore.NewMem(1)}
	n := NewCoverage(store, enginetest.Compile(t, coveragePack), nil, 1, 1, slog.New(slog.DiscardHandler))
	store.meanwhile = func() {}
	if err := n.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	free := false
	store.meanwhile = func() {
		if free = n.mu.TryLock(); free {
			n.mu.Unlock()
		}
	}
	if err := n.Restore(t.Context()); err != nil || !free {
		t.Errorf("free %v, %v", free, err)
	}
}
