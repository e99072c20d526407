package stream

import (
	"bytes"
	"context"
	"fmt"

	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// In some histories the deployment is being updated: its processes are of the version before, which reads and writes the outbox's entries
// in the old format only, until they are started again. Once all have been seen to be new, none of before comes back:
// the program waits a day until it takes that for granted, see updated.

// drawVersion draws whether a process is of the version before.
func (p *simProcess) drawVersion() {
	if w := p.world; w.updating {
		p.before = w.rnd.IntN(2) == 0
	}
}

// members are those of the group, of whom nobody counts elsewhere.
func (w *simWorld) members(ctx context.Context) (census, error) {
	c := census{settled: true, protocol: "range"}
	if !w.anyBefore() {
		c.protocol, w.updating = canariesRead, false
	}
	return c, w.call(ctx)
}

// anyBefore reports whether a process is of the version before. A process that is no member any more and does not know it counts.
func (w *simWorld) anyBefore() bool {
	for _, p := range w.processes {
		if p.before {
			return true
		}
	}
	return false
}

// oldReader is the store of a relay of the version before.
type oldReader struct{ *simStore }

// Load sees that the relay is given nothing that it would take for damaged.
func (s oldReader) Load(ctx context.Context, shard int, keys, dst [][]byte) ([][]byte, error) {
	values, err := s.simStore.Load(ctx, shard, keys, dst)
	prefix := bytes.TrimSuffix(s.Keys().AppendOutboxKey(nil, shard, 0), []byte("0"))
	for i, v := range values {
		if bytes.HasPrefix(keys[i], prefix) && len(v) > 8 && outbox.Format(v[8]) != outbox.FormatRecord {
			s.world.breaks(fmt.Errorf("%s has format %d, and a relay that reads no such format publishes it", keys[i], v[8]))
		}
	}
	return values, err
}

var _ windowstore.Atomic = oldReader{}
