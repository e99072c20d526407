package shard

import (
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
)

// TestRunFull: whatever events are like, a run is sent before it takes much memory.
func TestRunFull(t *testing.T) {
	f := func(name string, o engine.Operation, want int) {
		t.Helper()
		r, n := &Chunk{}, 0
		for ; !r.Full(ChunkOps); n++ {
			r.Add(&o, 0, int64(n), 0, 0)
		}
		if n != want {
			t.Errorf("%s: full after %d operations, want %d", name, n, want)
		}
	}
	adds := make([]engine.Addition, 200)
	f("usual", engine.Operation{ID: []byte("A"), Event: []byte("1"), Adds: adds[:2]}, ChunkOps)
	f("long ids", engine.Operation{ID: []byte("A"), Event: []byte(strings.Repeat("x", 255)), Adds: adds[:2]}, 512)
	f("many counters", engine.Operation{ID: []byte("A"), Event: []byte("1"), Adds: adds}, 41)
}
