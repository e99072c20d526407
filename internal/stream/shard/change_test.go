package shard_test

import (
	"slices"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard/shardtest"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// changedPack is simplePack(600) with its counters under other numbers, and one rule more.
const changedPack = `
pack: simple
measures:
  clicks: {sum: count, types: [click]}
  shares: {sum: count, types: [share]}
rules:
  - {id: more, by: incident, window: 1h, step: 1m, limits: {shares: 2, clicks: 5000}, combine: all}
  - {id: shares, by: incident, window: 1h, step: 1m, limits: {shares: 1000}}
  - {id: clicks, by: incident, window: 1h, step: 1m, limits: {clicks: 600}}
`

// TestChange: a shard that is given other rules commits what it has, forgets what has the old numbers, and takes nothing more of its
// partition before that begins anew by the same rules. Then counts go on, and every rule is looked at.
func TestChange(t *testing.T) {
	store := windowstore.NewMem(1)
	before, after := enginetest.Compile(t, simplePack(10_000)), enginetest.Compile(t, changedPack)
	s, l := shardtest.New(t, before, store)
	feed := shardtest.NewFeeder(before)
	feed.Apply(t, s, l, simpleLine(1, "click", 600))

	done := make(chan struct{}, 1)
	if err := s.Handle(t.Context(), shard.Message{Kind: shard.ChangeRules, Rules: s.By(after, nil, s.Listing, nil), Done: done}); err != nil {
		t.Fatal(err)
	}
	<-done
	if m, err := position.ParseFence(s.Fence(0)); err != nil || m.Offset != 1 {
		t.Errorf("stored up to %+v, %v", m, err)
	}
	if s.Stands(0) || len(l.Restart) != 1 || s.Program != after {
		t.Fatalf("stands %v, asked %d", s.Stands(0), len(l.Restart))
	}
	<-l.Restart

	feed.Apply(t, s, l, simpleLine(2, "click", 7)) // under way when the rules changed: dropped
	m, err := position.ParseFence(s.Fence(0))
	if err != nil {
		t.Fatal(err)
	}
	begin := shard.Message{Kind: shard.BeginAssignment, Assignment: l, Program: before, Fence: s.Fence(0), Position: m}
	if err := s.Handle(t.Context(), begin); err != nil || s.Stands(0) || len(l.Restart) != 1 {
		t.Errorf("a partition began by the rules of before: %v", err)
	}
	begin.Program = after
	if err := s.Handle(t.Context(), begin); err != nil || !s.Stands(0) {
		t.Errorf("a partition does not begin: %v", err)
	}
	next := shardtest.NewFeeder(after)
	next.Offset = 1
	s.MaxAge = 0 // all of this is a backlog, whose crossings wait for the batch
	next.Apply(t, s, l, simpleLine(2, "share", 1))
	if got, want := waiting(s), []string{"clicks/incident/A/1/0.8", "clicks/incident/A/1/1"}; !slices.Equal(got, want) {
		t.Errorf("announced %q, want %q", got, want)
	}
	if err := s.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if lines := shardtest.Counts(t, after, store); len(lines) != 3 {
		t.Errorf("counted %q", lines)
	}
}
