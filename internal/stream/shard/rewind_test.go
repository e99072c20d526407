package shard_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard/shardtest"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// simplePack counts clicks and shares of incidents, with a limit of its own for clicks.
func simplePack(clicks int) string {
	return fmt.Sprintf(`
pack: simple
measures:
  clicks: {sum: count, types: [click]}
  shares: {sum: count, types: [share]}
rules:
  - {id: clicks, by: incident, window: 1h, step: 1m, limits: {clicks: %d}}
  - {id: shares, by: incident, window: 1h, step: 1m, limits: {shares: 1000}}
`, clicks)
}

func simpleLine(id int, kind string, count int) string {
	return fmt.Sprintf(`{"id":"%d","time":"2026-01-01T00:00:00Z","type":"%s","incident":"A","count":%d}`, id, kind, count)
}

// waiting are the levels of the crossings that wait for a shard's commit, each with its rule.
func waiting(s *shard.Shard) (list []string) {
	for _, c := range s.Waiting() {
		_, rest, _ := strings.Cut(string(c), `"id":"`)
		id, _, _ := strings.Cut(rest, `"`)
		list = append(list, id)
	}
	return list
}

// TestLimitsChanged: the first event after a load looks at every rule, also those that it does not feed, since
// their limits may be others than when the record was written. Later events do not.
func TestLimitsChanged(t *testing.T) {
	store := windowstore.NewMem(1)
	before := enginetest.Compile(t, simplePack(10_000))
	s, l := shardtest.New(t, before, store)
	feed := shardtest.NewFeeder(before)
	feed.Count(t, s, l, simpleLine(1, "click", 600))
	if err := s.End(t.Context(), l); err != nil {
		t.Fatal(err)
	}

	after := enginetest.Compile(t, simplePack(600))
	s, l = shardtest.New(t, after, store)
	s.MaxAge = 0 // all of this is a backlog, whose crossings wait for the batch
	feed.Intake = engine.NewIntake(after, engine.Secret{}, engine.IntakeOptions{})
	feed.Apply(t, s, l, simpleLine(2, "share", 1))
	want := []string{"clicks/incident/A/1/0.8", "clicks/incident/A/1/1"}
	if got := waiting(s); !slices.Equal(got, want) {
		t.Fatalf("a share announced %q, want %q", got, want)
	}
	if feed.Apply(t, s, l, simpleLine(3, "share", 1)); len(waiting(s)) != len(want) {
		t.Fatalf("and the next one %q", waiting(s)[len(want):])
	}
}

// TestAssignmentNotEnded: what was applied of an assignment that was never ended is not counted again with that of the next one.
func TestAssignmentNotEnded(t *testing.T) {
	store, p := windowstore.NewMem(1), enginetest.Compile(t, simplePack(10_000))
	s, l := shardtest.New(t, p, store)
	shardtest.NewFeeder(p).Apply(t, s, l, simpleLine(1, "click", 7))

	next := shard.NewAssignment("events", 0, 0, 1)
	shardtest.Begin(t, s, next)
	shardtest.NewFeeder(p).Count(t, s, next, simpleLine(1, "click", 7))
	if got := shardtest.Counts(t, p, store); len(got) != 1 || !strings.Contains(got[0], `"value":7`) {
		t.Fatalf("stored: %q, want 7 clicks", got)
	}
}

// TestFenceBeyond: another owner has moved the fence beyond where the shard stands, and the partition reads on from there. The
// shard goes back: it would drop all chunks to come, and after a store that goes back nothing would tell that some are missing.
func TestFenceBeyond(t *testing.T) {
	f := func(stored int64, back bool) {
		t.Helper()
		p := enginetest.Compile(t, simplePack(10_000))
		s, l := shardtest.New(t, p, windowstore.NewMem(1))
		shardtest.NewFeeder(p).Count(t, s, l, simpleLine(1, "click", 7), simpleLine(2, "click", 7))
		m := position.Position{Offset: stored, Clock: engine.NoTime, Newest: engine.NoTime}
		s.Begin(l, m.AppendFence(nil, 1), m)
		if asked := len(l.Restart) > 0; asked != back || s.Stands(0) == back {
			t.Errorf("stands at 2, fence at %d: asked to go back: %v, stands: %v; want back: %v", stored, asked, s.Stands(0), back)
		}
	}
	f(1, false) // the next commit finds out
	f(2, false)
	f(3, true)
}

// TestFenceNamesItsCommit: two owners of a partition, of whom one does not know that it is over, read the same records and move the fence to
// the same place. Who comes second goes back: the records are the first one's.
func TestFenceNamesItsCommit(t *testing.T) {
	store, p := windowstore.NewMem(1), enginetest.Compile(t, simplePack(10_000))
	old, oldAssignment := shardtest.New(t, p, store)
	now, nowAssignment := shardtest.New(t, p, store)
	shardtest.NewFeeder(p).Apply(t, old, oldAssignment, simpleLine(1, "click", 7))
	shardtest.NewFeeder(p).Count(t, now, nowAssignment, simpleLine(1, "click", 7))
	if err := old.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(oldAssignment.Restart) == 0 || old.Stands(0) {
		t.Error("the second one took the fence of the first for its own")
	}
	if got := shardtest.Counts(t, p, store); len(got) != 1 || !strings.Contains(got[0], `"value":7`) {
		t.Errorf("stored: %q, want 7 clicks", got)
	}
}

// TestConflictIsNoRewind: of a subject that another process wrote meanwhile the operations were kept: they are applied once more, on its record,
// and nothing is read again.
func TestConflictIsNoRewind(t *testing.T) {
	store, p := windowstore.NewMem(1), enginetest.Compile(t, simplePack(10_000))
	one, oneAssignment := shardtest.NewOf(t, p, store, 2, 0)
	other, otherAssignment := shardtest.NewOf(t, p, store, 2, 1)
	shardtest.NewFeeder(p).Apply(t, one, oneAssignment, simpleLine(1, "click", 7))
	shardtest.NewFeeder(p).Count(t, other, otherAssignment, simpleLine(2, "click", 5))
	if err := one.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(oneAssignment.Restart) > 0 || !one.Stands(0) {
		t.Error("the shard went back")
	}
	if got := shardtest.Counts(t, p, store); len(got) != 1 || !strings.Contains(got[0], `"value":12`) {
		t.Errorf("stored: %q, want 12 clicks", got)
	}
}
