package stream

import (
	"context"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// TestSincesForget: a counter that was taken out of the packs and brought back has begun when it was brought back.
func TestSincesForget(t *testing.T) {
	both := compile(t, smallPack)
	without := compile(t, strings.ReplaceAll(smallPack, "  - {id: readers, by: incident, window: 1h, step: 1m, limits: {readers: 100}, levels: [0.5, 1], clear: 0.3}\n", ""))
	readers := both.kinds[thresholds.Incident].rules[1].counters[0]
	store := windowstore.NewMem(1)
	carry := func(p *Program, newest int64, hashes ...uint64) *coverage {
		t.Helper()
		n := newCoverage(store, p, nil, 1, discard)
		if err := n.load(t.Context()); err != nil {
			t.Fatal(err)
		}
		var marks []position
		for _, h := range hashes {
			marks = append(marks, position{newest: newest, pack: h})
		}
		if n.pending() {
			if err := n.observe(t.Context(), marks); err != nil {
				t.Fatal(err)
			}
		}
		return n
	}
	f := func(n *coverage, want int64, unsettled bool) {
		t.Helper()
		if got := n.since(thresholds.Incident, readers); got != want || n.pending() != unsettled {
			t.Errorf("since %d, unsettled %v, want %d, %v", got, n.pending(), want, unsettled)
		}
	}
	f(carry(both, 10, both.hash), 0, false)
	if n := carry(without, 20, without.hash, both.hash); !n.pending() {
		t.Error("the counter was forgotten before all partitions were read without it")
	}
	f(carry(both, 25, both.hash), 0, false)
	if n := carry(without, 30, without.hash, without.hash); n.pending() {
		t.Error("the counter was not forgotten")
	}
	f(carry(both, 40, both.hash, without.hash), 40, true)
	f(carry(both, 50, both.hash, both.hash), 50, false)
	f(carry(both, 60, both.hash, both.hash), 50, false)
}

// putFails is a store of which the first writes of one key fail.
type putFails struct {
	*windowstore.Mem
	left int
}

func (s *putFails) Put(ctx context.Context, shard int, key, value []byte) error {
	if s.left--; s.left >= 0 {
		return errCut
	}
	return s.Mem.Put(ctx, shard, key, value)
}

// TestSinceThatWasNotStored: since when a counter is kept does not hold before it is stored: a restart would change it.
func TestSinceThatWasNotStored(t *testing.T) {
	p := compile(t, sweepPack)
	store := &putFails{windowstore.NewMem(1), 1}
	if err := store.Mem.Put(t.Context(), 0, store.Keys().AppendMetaKey(nil, 0, windowstore.SettingCounters), []byte("{}")); err != nil {
		t.Fatal(err)
	}
	f := func(newest, want int64) {
		t.Helper()
		n := newCoverage(store, p, nil, 1, discard)
		if err := n.load(t.Context()); err != nil {
			t.Fatal(err)
		}
		for n.pending() {
			if err := n.observe(t.Context(), []position{{newest: newest, pack: p.hash}}); err != nil && store.left < 0 {
				t.Fatal(err)
			}
		}
		if got := n.since(0, 0); got != want {
			t.Errorf("since %d, want %d", got, want)
		}
	}
	f(10, 10)
	f(20, 10)
}

// TestSinceOfAllShards: a counter has begun when no shard counts by the old packs any more, at the newest time of any.
func TestSinceOfAllShards(t *testing.T) {
	p := compile(t, sweepPack)
	store := windowstore.NewMem(2)
	if err := store.Put(t.Context(), 0, store.Keys().AppendMetaKey(nil, 0, windowstore.SettingCounters), []byte("{}")); err != nil {
		t.Fatal(err)
	}
	n := newCoverage(store, p, []topicPartition{{"events", 0}}, 2, discard)
	f := func(other position, want bool) {
		t.Helper()
		if err := store.Put(t.Context(), 1, store.Keys().AppendFenceKey(nil, 1, "events", 0), other.appendFence(nil, 1)); err != nil {
			t.Fatal(err)
		}
		if err := n.observe(t.Context(), []position{{newest: 10, pack: p.hash}}); err != nil || n.pending() == want {
			t.Errorf("other shard at %+v: begun %v, error %v; want %v", other, !n.pending(), err, want)
		}
	}
	f(position{newest: 30, pack: p.hash + 1}, false)
	f(position{newest: 40, pack: p.hash}, true)
	if got := n.since(0, 0); got != 40 {
		t.Errorf("since %d, want 40", got)
	}
}
