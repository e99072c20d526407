package stream

import (
	"strings"
	"testing"
)

// TestRunFull: whatever events are like, a run is sent before it takes much memory.
func TestRunFull(t *testing.T) {
	f := func(name string, o operation, want int) {
		t.Helper()
		r, n := &chunk{}, 0
		for ; !r.full(chunkOps); n++ {
			r.add(&o, 0, int64(n), 0, 0)
		}
		if n != want {
			t.Errorf("%s: full after %d operations, want %d", name, n, want)
		}
	}
	adds := make([]addition, 200)
	f("usual", operation{id: []byte("A"), event: []byte("1"), adds: adds[:2]}, chunkOps)
	f("long ids", operation{id: []byte("A"), event: []byte(strings.Repeat("x", 255)), adds: adds[:2]}, 512)
	f("many counters", operation{id: []byte("A"), event: []byte("1"), adds: adds}, 41)
}
