package janitor

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard/shardtest"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// TestScan: what a scan leaves of an incident with so many clicks on 1 January, whose windows are empty from 12 January on.
func TestScan(t *testing.T) {
	never := int64(1 << 39) // a date in the index that is far too late
	for name, c := range map[string]struct {
		clicks int
		day    int   // of February that the stream has reached; 0 and below: of January
		index  int64 // the date in it before; 0: the incident is not there
		change func(r *rig)
		gone   bool
		armed  bool // it is in the index
	}{
		"an episode that is not in the index":     {clicks: 10, day: -25, armed: true},
		"a date in the index that is too late":    {clicks: 10, day: -25, index: never, armed: true},
		"an episode with empty windows":           {clicks: 10, day: 20, armed: true},
		"no level, windows that are not empty":    {clicks: 3, day: -25},
		"no level, windows that have been empty":  {clicks: 3, day: 20, gone: true},
		"no level, of a shard of another process": {clicks: 3, day: 20, change: func(r *rig) { r.options.Owned = func(int) bool { return false } }},
		"no level, the stream's time not known":   {clicks: 3, day: 20, change: func(r *rig) { r.Shard.StreamTimeShared.Store(engine.NoTime) }},
		"an episode, a fence that is gone": {clicks: 10, day: 20, change: func(r *rig) {
			_ = r.Store.Delete(t.Context(), 0, shardtest.FenceKey(r.Shard, 0))
		}},
	} {
		r := newClicksRig(t)
		r.Clicks(c.clicks)
		member := r.Store.Keys().AppendMember(nil, "incident", []byte("A"))
		err := r.Store.Disarm(t.Context(), 0, member)
		if c.index != 0 {
			err = r.Store.Arm(t.Context(), 0, windowstore.Due{Member: member, Unix: c.index})
		}
		if err != nil {
			t.Fatal(err)
		}
		r.Reach(c.day)
		if c.change != nil {
			c.change(r)
		}
		r.scan()
		due := r.Armed()
		if gone, armed := r.record("A") == nil, len(due) == 1; gone != c.gone || armed != c.armed {
			t.Errorf("%s: gone %v, in the index %v, want %v and %v", name, gone, armed, c.gone, c.armed)
		}
		if reached := time.Date(2026, 2, c.day, 0, 0, 0, 0, time.UTC).Unix(); len(due) == 1 && due[0].Unix != reached {
			t.Errorf("%s: in the index by %d, want %d: it is looked at next", name, due[0].Unix, reached)
		}
	}
}

// counting is a store that notes the most records of a read and the most keys of a commit that deletes.
type counting struct {
	*windowstore.Mem
	read, deleted int
}

func (s *counting) Load(ctx context.Context, shard int, keys, dst [][]byte) ([][]byte, error) {
	s.read = max(s.read, len(keys)-1) // and one fence
	return s.Mem.Load(ctx, shard, keys, dst)
}

func (s *counting) Commit(ctx context.Context, shard int, c *windowstore.Commit) (windowstore.Result, error) {
	s.deleted = max(s.deleted, len(c.Deletes))
	return s.Mem.Commit(ctx, shard, c)
}

// TestBounds: a scan takes as many records at once as a step has, a message as many subjects as a sweep, and what is zero
// has its default.
func TestBounds(t *testing.T) {
	const subjects = sweepMost + 50
	for _, c := range []struct{ clicks, step, read, deleted, due int }{
		{clicks: 1, step: 7, read: 7, deleted: 7},
		{clicks: 1, step: 0, read: sweepMost, deleted: sweepMost},
		{clicks: 10, step: 0, read: sweepMost, due: sweepMost},
	} {
		r := newClicksRig(t)
		var lines []string
		for i := range subjects {
			lines = append(lines, fmt.Sprintf(`{"id":"%d","time":"2026-01-01T00:00:00Z","type":"click","incident":"%d","count":%d}`, i, i, c.clicks))
		}
		r.Count(lines...)
		r.Reach(20)
		store := &counting{Mem: r.Store}
		r.options.Step, r.options.Recompute = c.step, 0
		r.over(store)
		r.scan()
		if store.read != c.read || store.deleted != c.deleted {
			t.Errorf("%+v: %d records read at once, %d keys deleted", c, store.read, store.deleted)
		}
		r.Shard.StreamTimeShared.Store(engine.Never - 1)
		r.janitor.Clears(t.Context())
		due := 0
		if len(r.options.In[0]) > 0 {
			due = len((<-r.options.In[0]).Due)
		}
		if due != c.due || r.options.Recompute != recomputeMost {
			t.Errorf("%+v: %d subjects in a message, %d dates", c, due, r.options.Recompute)
		}
	}
}

// TestEnds: a janitor whose time is over neither waits for a shard nor looks further.
func TestEnds(t *testing.T) {
	r := newClicksRig(t)
	r.Clicks(10)
	r.options.In[0] <- shard.Message{}
	r.Shard.StreamTimeShared.Store(engine.Never - 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.janitor.Clears(ctx) // the shard's queue is full
	if n := len(r.options.In[0]); n != 1 {
		t.Errorf("%d messages", n)
	}
	r.Shard.StreamTimeShared.Store(engine.NoTime)
	if next := r.janitor.ScanTurn(t.Context()); next != scanFirst {
		t.Errorf("the next scan in %v though there was nothing to be scanned", next)
	}
}
