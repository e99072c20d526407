package shardtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// ClicksPack counts clicks of incidents, with two levels. They clear after ten days.
const ClicksPack = `
pack: p
measures: {clicks: {sum: count, types: [click]}}
rules: [{id: r, by: incident, window: 10d, step: 1d, limits: {clicks: 10}, clear: 0.5}]
`

// Rig is the only shard of a process, over a store in memory that has room for a second one.
type Rig struct {
	Store      *windowstore.Mem
	Shard      *shard.Shard
	Assignment *shard.Assignment
	Feeder     *Feeder
	tb         testing.TB
}

// NewRig is a rig that has counted nothing.
func NewRig(tb testing.TB, p *engine.Program) *Rig {
	tb.Helper()
	r := &Rig{Store: windowstore.NewMem(2), Feeder: NewFeeder(p), tb: tb}
	r.Shard, r.Assignment = New(tb, p, r.Store)
	return r
}

// NewClicksRig is a rig of ClicksPack.
func NewClicksRig(tb testing.TB) *Rig {
	tb.Helper()
	return NewRig(tb, enginetest.Compile(tb, ClicksPack))
}

// Count has the shard count lines, and commit.
func (r *Rig) Count(lines ...string) {
	r.tb.Helper()
	r.Feeder.Count(r.tb, r.Shard, r.Assignment, lines...)
}

// Clicks counts so many clicks of incident A, on 1 January.
func (r *Rig) Clicks(n int) {
	r.tb.Helper()
	r.Count(fmt.Sprintf(`{"id":"%d","time":"2026-01-01T00:00:00Z","type":"click","incident":"A","count":%d}`, n, n))
}

// ReachOffset is the offset of the fence that Reach stores.
const ReachOffset = 700

// Reach has the stored fence say that the stream has reached a day of February, or, not above 0, of January before it.
func (r *Rig) Reach(day int) {
	r.tb.Helper()
	m := position.Position{Offset: ReachOffset, Newest: time.Date(2026, 2, day, 0, 0, 0, 0, time.UTC).UnixNano(), Clock: engine.NoTime}
	if err := r.Store.Put(r.tb.Context(), 0, FenceKey(r.Shard, 0), m.AppendFence(make([]byte, 0, position.FenceSize), 0)); err != nil {
		r.tb.Fatal(err)
	}
}

// Counted reports whether a subject with that value is stored.
func (r *Rig) Counted(value int) bool {
	r.tb.Helper()
	return slices.ContainsFunc(Counts(r.tb, r.Shard.Program, r.Store), func(line string) bool {
		return strings.Contains(line, fmt.Sprintf(`"value":%d,`, value))
	})
}

// Armed is the index of armed subjects.
func (r *Rig) Armed() []windowstore.Due {
	r.tb.Helper()
	return Armed(r.tb, r.Store)
}
