package coverage

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Coverage knows since when each counter has been kept. A counter that a changed pack brought
// begins when the last partition is read with that pack. Coverage is kept in the store, by the
// counter's definition.
type Coverage struct {
	store      windowstore.Store
	program    *engine.Program
	partitions []position.TopicPartition
	shards     int
	log        *slog.Logger

	mu     sync.RWMutex
	starts map[uint64]int64 // by the counter's hash; ns; 0: from the start
	newest int64            // stands for the beginning of those that have not begun for all
}

// NewCoverage makes the coverage of a program's counters; Load reads what is stored of it.
func NewCoverage(store windowstore.Store, p *engine.Program, partitions []position.TopicPartition, shards int, log *slog.Logger) *Coverage {
	return &Coverage{store: store, program: p, partitions: partitions, shards: shards, log: log, starts: map[uint64]int64{}, newest: engine.NoTime}
}

// Load reads what is stored. The first process ever notes all its counters as
// kept from the start.
func (n *Coverage) Load(ctx context.Context) error {
	first := map[uint64]int64{}
	for k := range thresholds.NumKinds {
		for _, c := range n.program.Kinds[k].Layout.Counters {
			first[c.ID] = 0
		}
	}
	b, err := n.store.PutAbsent(ctx, 0, n.key(), encodeStarts(first))
	if err != nil {
		return err
	}
	began, err := DecodeStarts(b)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.starts = began
	return nil
}

// Restore puts what is known into a store that has nothing of it.
func (n *Coverage) Restore(ctx context.Context) error {
	n.mu.RLock()
	defer n.mu.RUnlock()
	_, err := n.store.PutAbsent(ctx, 0, n.key(), encodeStarts(n.starts))
	return err
}

func (n *Coverage) key() []byte {
	return n.store.Keys().AppendMetaKey(nil, 0, windowstore.SettingCounters)
}

// Since is when the counter began, ns; 0: it was there from the start. Those of canaries are in no pack, and always complete.
func (n *Coverage) Since(kind thresholds.Kind, counter int) int64 {
	if kind == thresholds.Canary {
		return 0
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	t, ok := n.starts[n.program.Kinds[kind].Layout.Counters[counter].ID]
	if !ok {
		return n.newest
	}
	return t
}

// Pending reports whether a counter has not begun for all partitions, or a noted counter is in no
// loaded pack.
func (n *Coverage) Pending() bool {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if len(n.dropped()) > 0 {
		return true
	}
	for k := range thresholds.NumKinds {
		for _, c := range n.program.Kinds[k].Layout.Counters {
			if _, ok := n.starts[c.ID]; !ok {
				return true
			}
		}
	}
	return false
}

// dropped are the counters noted that are in no loaded pack.
func (n *Coverage) dropped() (left []uint64) {
	for id := range n.starts {
		if !n.program.Has(id) {
			left = append(left, id)
		}
	}
	return left
}

// Observe takes the fences of shard 0, as stored. When all carry this program's hash, and those of
// the other shards too, the pending counters have begun: at the newest time of any. Counters that
// are in no loaded pack are forgotten. Brought back, they begin again, since they lack what came
// meanwhile.
func (n *Coverage) Observe(ctx context.Context, fences []position.Position) error {
	newest, all := n.reached(fences)
	n.mu.Lock()
	n.newest = position.SinceTime(newest)
	n.mu.Unlock()
	for shard := 1; shard < n.shards && all; shard++ { // one may be further, by the old packs, after a crash
		values, err := n.store.Load(ctx, shard, position.AppendFenceKeys(nil, n.store.Keys(), shard, n.partitions), nil)
		if err != nil {
			return err
		}
		far, has := n.reached(position.ParseFences(values))
		newest, all = max(newest, far), all && has
	}
	if !all || newest == engine.NoTime {
		return n.Load(ctx)
	}
	return n.activate(ctx, newest)
}

// reached is the newest time of any of a shard's fences, and whether all carry this program's hash.
func (n *Coverage) reached(fences []position.Position) (newest int64, all bool) {
	newest, all = engine.NoTime, true
	for _, m := range fences {
		newest = max(newest, m.Newest)
		all = all && m.Pack == n.program.Hash
	}
	return newest, all
}

// activate notes that all counters have begun, and nothing of others. Until that is stored nobody goes by it:
// after a restart it would be otherwise.
func (n *Coverage) activate(ctx context.Context, newest int64) error {
	n.mu.RLock()
	began, left := maps.Clone(n.starts), n.dropped()
	n.mu.RUnlock()
	begun := 0
	for k := range thresholds.NumKinds {
		for _, c := range n.program.Kinds[k].Layout.Counters {
			if _, ok := began[c.ID]; !ok {
				began[c.ID] = position.SinceTime(newest)
				begun++
			}
		}
	}
	for _, id := range left {
		delete(began, id)
	}
	if err := n.store.Put(ctx, 0, n.key(), encodeStarts(began)); err != nil {
		return err
	}
	n.mu.Lock()
	n.starts = began
	n.mu.Unlock()
	n.log.Info("counters changed with the packs", "new", begun, "since", time.Unix(0, newest).UTC(), "gone", len(left))
	return nil
}

func encodeStarts(m map[uint64]int64) []byte {
	out := map[string]int64{}
	for id, t := range m {
		out[strconv.FormatUint(id, 16)] = t
	}
	b, err := json.Marshal(out)
	if err != nil {
		panic("BUG: numbers that are no JSON: " + err.Error())
	}
	return b
}

// DecodeStarts reads since when each counter is kept, by its hash, ns; 0: from the start.
func DecodeStarts(b []byte) (map[uint64]int64, error) {
	in := map[string]int64{}
	if err := json.Unmarshal(b, &in); err != nil {
		return nil, fmt.Errorf("read setting %s of the store: %w", windowstore.SettingCounters, err)
	}
	out := map[uint64]int64{}
	for text, t := range in {
		id, err := strconv.ParseUint(text, 16, 64)
		if err != nil {
			return nil, fmt.Errorf("read setting %s of the store: %w", windowstore.SettingCounters, err)
		}
		out[id] = t
	}
	return out, nil
}
