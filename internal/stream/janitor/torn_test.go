package janitor

import (
	"context"
	"fmt"
	"slices"
	"testing"

	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"

	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard/shardtest"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// torn is a store that fails one of the deletes.
type torn struct {
	*windowstore.Mem
	deletes, bad int
}

func (s *torn) Commit(ctx context.Context, shard int, c *windowstore.Commit) (windowstore.Result, error) {
	if len(c.Deletes) > 0 {
		if s.deletes++; s.deletes == s.bad {
			return windowstore.Result{}, errCut
		}
	}
	return s.Mem.Commit(ctx, shard, c)
}

// readersRig has counted readers of incident A, each in a chunk of its own nearly.
func readersRig(t *testing.T, limit, readers int) *rig {
	p := enginetest.Compile(t, fmt.Sprintf(`
pack: p
measures: {readers: {distinct: account, types: [view]}}
rules: [{id: r, by: incident, window: 1h, step: 1m, limits: {readers: %d}, levels: [1]}]
`, limit))
	p.Kinds[0].Layout.Sizes = windows.Sizes{Inline: 1, Chunk: 1, History: 256}
	r := rigOf(t, p)
	var lines []string
	for i := range readers {
		lines = append(lines, view(1, i))
	}
	for some := range slices.Chunk(lines, 500) {
		r.Count(some...)
	}
	r.Reach(20)
	return r
}

func view(month, reader int) string {
	return fmt.Sprintf(`{"id":"%d-%d","time":"2026-%02d-01T00:00:00Z","type":"view","incident":"A","account":"u%d"}`, month, reader, month, reader)
}

// forgets has everything scanned by a store that fails one of the deletes.
func (r *rig) forgets(bad, scans int) {
	r.over(&torn{Mem: r.Store, bad: bad})
	failed := 0
	for range scans {
		if r.janitor.scan.scan(r.t.Context()) != nil {
			failed++
		}
	}
	if failed != 1 {
		r.t.Fatalf("%d scans failed, want 1", failed)
	}
}

// TestForgetTorn: a set with more parts than are deleted at once is forgotten, and that is cut short. Its record names no
// part that is gone.
func TestForgetTorn(t *testing.T) {
	r := readersRig(t, 500_000, 3000)
	r.forgets(2, 1)
	s, l := shardtest.New(t, r.Shard.Program, r.Store)
	r.Feeder.Offset = shardtest.ReachOffset
	for i := range 20 {
		r.Feeder.Apply(t, s, l, view(3, i))
	}
}

// TestForgetTornGoesOn: and the next scan deletes the rest.
func TestForgetTornGoesOn(t *testing.T) {
	r := readersRig(t, 500_000, 3000)
	r.forgets(2, 2)
	if n := r.keysLeft("{00}p:") + r.keysLeft("{00}r:"); n > 0 {
		t.Fatalf("%d keys are left", n)
	}
}

// TestShrinkTorn: parts of a subject that shrank and that could not be deleted are deleted later.
func TestShrinkTorn(t *testing.T) {
	r := readersRig(t, 5, 30)
	r.forgets(1, 2)
	if parts, records := r.keysLeft("{00}p:"), r.keysLeft("{00}r:"); parts != 0 || records != 1 {
		t.Fatalf("%d parts and %d records are left", parts, records)
	}
}
