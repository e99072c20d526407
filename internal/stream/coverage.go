package stream

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// coverage knows since when each counter has been kept: one that a changed pack
// brought begins when the last partition is read with that pack. It is kept in the store,
// by the counter's definition.
type coverage struct {
	store      windowstore.Store
	program    *Program
	partitions []topicPartition
	shards     int
	log        *slog.Logger

	mu     sync.RWMutex
	starts map[uint64]int64 // by the counter's hash; ns; 0: from the start
	newest int64            // stands for the beginning of those that have not begun for all
}

func newCoverage(store windowstore.Store, p *Program, partitions []topicPartition, shards int, log *slog.Logger) *coverage {
	return &coverage{store: store, program: p, partitions: partitions, shards: shards, log: log, starts: map[uint64]int64{}, newest: noTime}
}

// load reads what is stored. The first process ever notes all its counters as
// kept from the start.
func (n *coverage) load(ctx context.Context) error {
	first := map[uint64]int64{}
	for k := range n.program.kinds {
		for _, c := range n.program.kinds[k].layout.Counters {
			first[c.ID] = 0
		}
	}
	b, err := n.store.PutAbsent(ctx, 0, n.key(), encodeStarts(first))
	if err != nil {
		return err
	}
	began, err := decodeStarts(b)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.starts = began
	return nil
}

// restore puts what is known into a store that has nothing of it.
func (n *coverage) restore(ctx context.Context) error {
	n.mu.RLock()
	defer n.mu.RUnlock()
	_, err := n.store.PutAbsent(ctx, 0, n.key(), encodeStarts(n.starts))
	return err
}

func (n *coverage) key() []byte {
	return n.store.Keys().AppendMetaKey(nil, 0, windowstore.SettingCounters)
}

// since is when the counter began, ns; 0: it was there from the start.
func (n *coverage) since(kind thresholds.Kind, counter int) int64 {
	n.mu.RLock()
	defer n.mu.RUnlock()
	t, ok := n.starts[n.program.kinds[kind].layout.Counters[counter].ID]
	if !ok {
		return n.newest
	}
	return t
}

// pending says whether a counter has not begun for all partitions, or one is
// noted that is in no loaded pack.
func (n *coverage) pending() bool {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if len(n.dropped()) > 0 {
		return true
	}
	for k := range n.program.kinds {
		for _, c := range n.program.kinds[k].layout.Counters {
			if _, ok := n.starts[c.ID]; !ok {
				return true
			}
		}
	}
	return false
}

// dropped are the counters noted that are in no loaded pack.
func (n *coverage) dropped() (left []uint64) {
	for id := range n.starts {
		if !n.program.counts(id) {
			left = append(left, id)
		}
	}
	return left
}

// observe is told the fences of shard 0, as stored. When all carry this program's
// hash, and those of the other shards too, the pending counters have begun: at the newest time of any; and those that are in no
// loaded pack are forgotten: brought back, they begin anew, since what came meanwhile they lack.
func (n *coverage) observe(ctx context.Context, fences []position) error {
	newest, all := n.reached(fences)
	n.mu.Lock()
	n.newest = someSince(newest)
	n.mu.Unlock()
	for shard := 1; shard < n.shards && all; shard++ { // one may be further, by the old packs, after a crash
		values, err := n.store.Load(ctx, shard, appendFenceKeys(nil, n.store.Keys(), shard, n.partitions), nil)
		if err != nil {
			return err
		}
		far, has := n.reached(marksOf(values))
		newest, all = max(newest, far), all && has
	}
	if !all || newest == noTime {
		return n.load(ctx)
	}
	return n.activate(ctx, newest)
}

// reached is the newest time of any of a shard's fences, and whether all carry this program's hash.
func (n *coverage) reached(fences []position) (newest int64, all bool) {
	newest, all = noTime, true
	for _, m := range fences {
		newest = max(newest, m.newest)
		all = all && m.pack == n.program.hash
	}
	return newest, all
}

// activate notes that all counters have begun, and nothing of others. Until that is stored nobody goes by it:
// after a restart it would be otherwise.
func (n *coverage) activate(ctx context.Context, newest int64) error {
	n.mu.RLock()
	began, left := maps.Clone(n.starts), n.dropped()
	n.mu.RUnlock()
	begun := 0
	for k := range n.program.kinds {
		for _, c := range n.program.kinds[k].layout.Counters {
			if _, ok := began[c.ID]; !ok {
				began[c.ID] = someSince(newest)
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

func decodeStarts(b []byte) (map[uint64]int64, error) {
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
