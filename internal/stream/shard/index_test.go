package shard_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard/shardtest"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// armings counts the calls that put subjects into the index.
type armings struct {
	*windowstore.Mem
	calls, members int
}

func (s *armings) Arm(ctx context.Context, shard int, due ...windowstore.Due) error {
	s.calls, s.members = s.calls+1, s.members+len(due)
	return s.Mem.Arm(ctx, shard, due...)
}

// TestIndexTogether: a commit puts all its subjects into the index at once, those that crossed and those that have become less far behind.
func TestIndexTogether(t *testing.T) {
	p := enginetest.Compile(t, enginetest.LaggingPack)
	store := &armings{Mem: windowstore.NewMem(1)}
	s, l := shardtest.New(t, p, store)
	feed := shardtest.NewFeeder(p)
	lines := []string{enginetest.Click("other", "12:00:00")}
	for second := range 4 {
		for i := range 200 {
			lines = append(lines, enginetest.Click(fmt.Sprint("i", i), fmt.Sprintf("10:00:%02d", second)))
		}
		feed.Count(t, s, l, lines...)
		lines = nil
	}
	if store.calls != 2 || store.members != 400 {
		t.Errorf("%d calls for %d subjects, want two for 400: at the third click, and at the fourth, a second less behind", store.calls, store.members)
	}
}

// TestDisarmedLate: one process ends an episode by an event; before it takes the subject out of the index, another has brought
// it over the limit again.
func TestDisarmedLate(t *testing.T) {
	p := enginetest.Compile(t, shardtest.ClicksPack)
	mem := windowstore.NewMem(1)
	store := &meanwhile{Mem: mem}
	a, la := shardtest.NewOf(t, p, store, 2, 0)
	b, lb := shardtest.NewOf(t, p, mem, 2, 1)
	of, ofOther := shardtest.NewFeeder(p), shardtest.NewFeeder(p)
	of.Count(t, a, la, `{"id":"1","time":"2026-01-01T00:00:00Z","type":"click","incident":"A","count":10}`)
	store.disarms = func() {
		ofOther.Count(t, b, lb, `{"id":"3","time":"2026-03-01T00:00:00Z","type":"click","incident":"A","count":10}`)
	}
	of.Count(t, a, la, `{"id":"2","time":"2026-03-01T00:00:00Z","type":"click","incident":"A","count":1}`)
	if due := shardtest.Armed(t, mem); store.disarms != nil || len(due) != 1 {
		t.Errorf("%d subjects in the index", len(due))
	}
}
