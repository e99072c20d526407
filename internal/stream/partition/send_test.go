package partition

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/fetchtest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// gathering is what a partition gathers for two shards, and what is waiting for them, of which each is shown as the offset that its
// chunk goes up to, with as many operations.
func gathering(t *testing.T, room int) (g *outgoing, sent func() string) {
	t.Helper()
	queues := []chan shard.Message{make(chan shard.Message, room), make(chan shard.Message, room)}
	p := sharing(t, fetchtest.Clicks(0), func(o *Options) { o.Shards = queues }).New(shard.NewAssignment("events", 0, 0, 2))
	p.out.most = 3
	return &p.out, func() string {
		var list []string
		for _, queue := range queues {
			text := ""
			for len(queue) > 0 {
				m := <-queue
				text += fmt.Sprintf(" %d:%d", m.Chunk.To.Offset, len(m.Chunk.Ops))
				if m.Chunk.Hole.To > 0 {
					text += fmt.Sprintf(" hole to %d", m.Chunk.Hole.To)
				}
				p.Assignment.Pool.Put(m.Chunk)
			}
			list = append(list, strings.TrimSpace(text))
		}
		return strings.Join(list, " | ")
	}
}

// subjectOf is an id whose subject is of a shard.
func subjectOf(g *outgoing, shard int) (id []byte) {
	for i := 0; ; i++ {
		id = fmt.Append(nil, i)
		if windowstore.ShardOf(thresholds.Incident.String(), id, len(g.shards)) == shard {
			return id
		}
	}
}

// TestOutgoing: operations go to the shard of their subject, positions to those that have operations, or to all when that is due.
func TestOutgoing(t *testing.T) {
	g, sent := gathering(t, 10)
	add := func(shard int, offset int64) {
		t.Helper()
		if err := g.add(t.Context(), &engine.Operation{Kind: thresholds.Incident, ID: subjectOf(g, shard)}, offset, 0, 0); err != nil {
			t.Fatal(err)
		}
	}
	flush := func(name string, to int64, all bool, want string) {
		t.Helper()
		if err := g.flush(t.Context(), position.Position{Offset: to}, all); err != nil {
			t.Fatal(err)
		}
		if got := sent(); got != want || g.full {
			t.Errorf("%s: sent %s, want %s; full: %v", name, got, want, g.full)
		}
	}
	add(0, 1)
	add(0, 2)
	flush("one shard", 3, false, "3:2 | ")
	flush("nothing", 4, false, " | ")
	add(1, 4)
	flush("all", 5, true, "5:0 | 5:1")
	g.gap = shard.Hole{To: 8}
	add(1, 8)
	flush("after a hole", 9, false, " | 9:1 hole to 8")
	for i := range int64(3) {
		if add(0, 9+i); g.full != (i == 2) {
			t.Errorf("%d operations: full %v", i+1, g.full)
		}
	}
	if g.rewind(9); g.full || !g.assignment.Pool.Whole() || g.sent[0] != 9 || g.sent[1] != 9 {
		t.Errorf("after a rewind: full %v, sent %v, all chunks back: %v", g.full, g.sent, g.assignment.Pool.Whole())
	}
	flush("after a rewind", 9, true, "9:0 hole to 8 | 9:0 hole to 8")
}

// TestOutgoingDue: all shards get now and then how far the partition is.
func TestOutgoingDue(t *testing.T) {
	g, _ := gathering(t, 1)
	start := time.Now()
	for _, x := range []struct {
		after time.Duration
		want  bool
	}{{0, true}, {markEvery, false}, {markEvery + 1, true}, {markEvery + 2, false}} {
		if got := g.due(start.Add(x.after)); got != x.want {
			t.Errorf("after %s: %v", x.after, got)
		}
	}
}

// TestOutgoingWaits: a partition waits for a shard that has no room, until its context ends.
func TestOutgoingWaits(t *testing.T) {
	g, _ := gathering(t, 0)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := g.flush(ctx, position.Position{}, true); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if g.begin(ctx, 0, nil, nil, position.Position{}) {
		t.Error("a shard without room has begun")
	}
	g.end(ctx) // returns
}
