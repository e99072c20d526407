package coverage

import (
	"cmp"
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
	ahead      int64 // ns: how far an event may be ahead of its record
	log        *slog.Logger

	mu     sync.RWMutex
	starts map[uint64]int64 // by the counter's hash; ns; 0: from the start
	taken  int              // how often starts was read or written
	newest int64            // stands for the beginning of those that have not begun for all
}

// NewCoverage makes the coverage of a program's counters; Load reads what is stored of it. No event is further ahead of its record than
// ahead; 0: engine.DefaultMaxAhead.
func NewCoverage(store windowstore.Store, p *engine.Program, partitions []position.TopicPartition, shards int, ahead time.Duration, log *slog.Logger) *Coverage {
	return &Coverage{
		store: store, program: p, partitions: partitions, shards: shards, ahead: int64(cmp.Or(ahead, engine.DefaultMaxAhead)), log: log,
		starts: map[uint64]int64{}, newest: engine.NoTime,
	}
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
	n.set(began)
	return nil
}

// set takes what is stored. The lock is held.
func (n *Coverage) set(starts map[uint64]int64) { n.starts, n.taken = starts, n.taken+1 }

// Enact is called before the program decides anything of a partition that another one decided. It reads again what is stored, and
// notes that the program leaves out the counters that it lacks: whoever counts them later begins again, however short it was.
func (n *Coverage) Enact(ctx context.Context) error {
	if err := n.change(ctx, nil, n.leaveOut); err != nil || !n.Pending() {
		return err
	}
	fences, err := n.store.Load(ctx, 0, position.AppendFenceKeys(nil, n.store.Keys(), 0, n.partitions), nil)
	if err != nil {
		return err
	}
	return n.Observe(ctx, position.ParseFences(fences))
}

// leaveOut takes the counters out that are in no loaded pack.
func (n *Coverage) leaveOut(starts map[uint64]int64, _ []position.Position) (changed bool) {
	for id := range starts {
		if !n.program.Has(id) {
			delete(starts, id)
			changed = true
		}
	}
	return changed
}

// change changes what is stored, and takes it. Nobody else's change is lost by that. f reports whether it changed anything. It is
// given shard 0's fences of some partitions, and what it changes is written only while they are as they were.
func (n *Coverage) change(ctx context.Context, of []position.TopicPartition, f func(starts map[uint64]int64, fences []position.Position) bool) error {
	keys := position.AppendFenceKeys([][]byte{n.key()}, n.store.Keys(), 0, of)
	for {
		values, err := n.store.Load(ctx, 0, keys, nil)
		if err != nil {
			return err
		}
		starts, err := n.decode(values[0])
		if err != nil {
			return err
		}
		if f(starts, position.ParseFences(values[1:])) {
			c := &windowstore.Commit{Fences: []windowstore.Fence{{Key: keys[0], From: values[0], To: encodeStarts(starts)}}}
			for i, key := range keys[1:] {
				c.Fences = append(c.Fences, windowstore.Fence{Key: key, From: values[1+i]})
			}
			res, err := n.store.Commit(ctx, 0, c)
			if err != nil {
				return err
			}
			if res.Outcome != windowstore.Done {
				continue
			}
		}
		n.mu.Lock()
		n.set(starts)
		n.mu.Unlock()
		return nil
	}
}

// decode reads what is stored; where nothing is, it is what is known.
func (n *Coverage) decode(stored []byte) (map[uint64]int64, error) {
	if stored != nil {
		return DecodeStarts(stored)
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	return maps.Clone(n.starts), nil
}

// Taken tells what is known now from what is known later, for Follow.
func (n *Coverage) Taken() int {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.taken
}

// Follow takes what was stored when Taken was asked, as somebody else may have written it; nil: nothing. It does nothing if
// more was known since.
func (n *Coverage) Follow(stored []byte, taken int) {
	began, err := DecodeStarts(stored)
	if stored == nil || err != nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.taken == taken {
		n.set(began)
	}
}

// Restore puts what is known into a store that has nothing of it.
func (n *Coverage) Restore(ctx context.Context) error {
	n.mu.RLock()
	text := encodeStarts(n.starts)
	n.mu.RUnlock() // whoever counts asks, and must not wait for the store
	_, err := n.store.PutAbsent(ctx, 0, n.key(), text)
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
	n.newest = position.SinceAfter(newest)
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

// reached is how far events of a shard's fences may reach, ns: also those that no rule of before took, of whose times nothing is known but how
// far ahead of their records they may be. It also reports whether all fences carry this program's hash.
func (n *Coverage) reached(fences []position.Position) (newest int64, all bool) {
	newest, all = engine.NoTime, true
	for _, m := range fences {
		newest = max(newest, m.Newest)
		if m.Clock != engine.NoTime {
			newest = max(newest, engine.Nanoseconds(m.Clock)+n.ahead)
		}
		all = all && m.Pack == n.program.Hash
	}
	return newest, all
}

// activate notes that all counters have begun, and nothing of others. Until that is stored nobody goes by it:
// after a restart it would be otherwise.
func (n *Coverage) activate(ctx context.Context, newest int64) error {
	left, begun := 0, 0
	err := n.change(ctx, n.partitions, func(starts map[uint64]int64, fences []position.Position) bool {
		if _, all := n.reached(fences); !all {
			return false // somebody of other packs has taken a partition since
		}
		before := len(starts)
		n.leaveOut(starts, nil)
		left, begun = before-len(starts), n.begin(starts, position.SinceAfter(newest))
		return left+begun > 0
	})
	if err == nil && left+begun > 0 {
		n.log.Info("counters changed with the packs", "new", begun, "since", time.Unix(0, position.SinceAfter(newest)).UTC(), "gone", left)
	}
	return err
}

// begin notes that the counters that were not kept are kept since a time. It returns how many.
func (n *Coverage) begin(starts map[uint64]int64, since int64) (begun int) {
	for k := range thresholds.NumKinds {
		for _, c := range n.program.Kinds[k].Layout.Counters {
			if _, ok := starts[c.ID]; !ok {
				starts[c.ID] = since
				begun++
			}
		}
	}
	return begun
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
