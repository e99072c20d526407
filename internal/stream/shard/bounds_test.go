package shard_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard/shardtest"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// TestRedoneBatchIsTooLarge: a batch that fits a commit does so no more once what another process wrote is under it, since
// all sets have grown out of their records. It is read again, and counted once.
func TestRedoneBatchIsTooLarge(t *testing.T) {
	const subjects = 3_000
	p := enginetest.Compile(t, `
pack: p
measures: {readers: {distinct: account, types: [view]}}
rules: [{id: r, by: incident, window: 10d, step: 1d, limits: {readers: 500}}]
`)
	for i := range p.Kinds {
		p.Kinds[i].Layout.Sizes = windows.Sizes{Inline: 2, Chunk: 100, History: 256}
	}
	store := windowstore.NewMem(1)
	views := func(account string) (lines []string) {
		for i := range subjects {
			lines = append(lines, fmt.Sprintf(`{"id":"%s%d","time":"2026-01-01T00:00:00Z","type":"view","incident":"%d","account":%q}`, account, i, i, account))
		}
		return lines
	}
	a, la := shardtest.NewOf(t, p, store, 2, 0)
	b, lb := shardtest.NewOf(t, p, store, 2, 1)
	fa, fb := shardtest.NewFeeder(p), shardtest.NewFeeder(p)
	fa.Count(t, a, la, views("first")...)
	fb.Count(t, b, lb, views("second")...)
	again := *fa
	fa.Count(t, a, la, views("third")...)
	if a.Stands(0) {
		t.Fatal("the batch was written as it was")
	}
	<-la.Restart
	shardtest.Begin(t, a, la)
	again.Count(t, a, la, views("third")...)
	counts := 0
	for _, line := range shardtest.Counts(t, p, store) {
		counts++
		if !strings.Contains(line, `"value":3,`) {
			t.Errorf("want 3 in %s", line)
		}
	}
	if counts != subjects {
		t.Errorf("%d counts, want %d", counts, subjects)
	}
}

// TestEventOfManyParts: an event feeds many sets of a subject, each of which has to write a history, a chunk, one that is split and
// a new one. The batch before it is nearly full.
func TestEventOfManyParts(t *testing.T) {
	const sets = 10
	var measures, limits []string
	for i := range sets {
		measures = append(measures, fmt.Sprintf("  m%d: {distinct: account, types: [view], where: {media: [video, x%d]}}\n", i, i))
		limits = append(limits, fmt.Sprintf("m%d: 900000", i))
	}
	p := enginetest.Compile(t, "pack: p\nmeasures:\n"+strings.Join(measures, "")+
		"rules: [{id: r, by: incident, window: 1000h, step: 1h, limits: {"+strings.Join(limits, ", ")+"}, levels: [1]}]\n")
	s, l := shardtest.New(t, p, windowstore.NewMem(1))
	feed := shardtest.NewFeeder(p)
	at, n := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 0
	view := func(incident string) string {
		n++
		return fmt.Sprintf(`{"id":"%d","time":%q,"type":"view","incident":%q,"account":"u%d","media":"video"}`, n, at.Format(time.RFC3339), incident, n)
	}
	var lines []string
	for i := range 1280 { // 10 chunks of 128
		if i%10 == 0 {
			at = at.Add(time.Hour)
		}
		lines = append(lines, view("A"))
	}
	feed.Count(t, s, l, lines...)
	keys := func() int {
		n, _ := s.BatchSize()
		return n
	}
	for i := 0; keys()+p.KeysPerEvent < windowstore.MaxCommitKeys && i < windowstore.MaxCommitKeys; i++ {
		feed.Apply(t, s, l, view(fmt.Sprint("F", i)))
	}
	if n := keys() + p.KeysPerEvent; n != windowstore.MaxCommitKeys {
		t.Fatalf("the batch is not nearly full: %d keys with an event more", n)
	}
	at = at.Add(time.Hour)
	feed.Count(t, s, l, view("A")) // Commit refuses what is too large
}

// weighing is a store that compares what commits have with what the shard takes them to have.
type weighing struct {
	*windowstore.Mem
	shard  *shard.Shard
	ratios []float64
}

func (w *weighing) Commit(ctx context.Context, shard int, c *windowstore.Commit) (windowstore.Result, error) {
	_, bytes := w.shard.BatchSize()
	w.ratios = append(w.ratios, float64(bytes)/float64(c.Bytes()))
	return w.Mem.Commit(ctx, shard, c)
}

// TestBatchBytes: what a shard takes its batch to be in bytes is about what the commit has, whatever the subjects.
func TestBatchBytes(t *testing.T) {
	p := enginetest.Compile(t, `
pack: sizes
measures:
  clicks: {sum: count, types: [click]}
  accounts: {distinct: account, types: [click]}
  gains: {distinct: account, weight: amount, types: [click]}
rules:
  - {id: r, by: incident, window: 10d, step: 1h, limits: {clicks: 1000000000, accounts: 1000000, gains: 1000000000000}, levels: [1]}
`)
	for _, c := range []struct{ subjects, members, events, amount int }{
		{3_000, 3, 3_000, 10_000}, {500, 100, 5_000, 10_000}, {20, 4_000, 5_000, 10_000}, {2, 200, 500, 10_000}, {20, 4_000, 5_000, 1e15},
	} {
		store := &weighing{Mem: windowstore.NewMem(1)}
		s, l := shardtest.New(t, p, store)
		store.shard = s
		f := shardtest.NewFeeder(p)
		for batch := range 12 {
			at := time.Date(2026, 1, 1, batch, 0, 0, 0, time.UTC).Format(time.RFC3339)
			var lines []string
			for i := range c.events {
				lines = append(lines, fmt.Sprintf(`{"id":"%d-%d","time":%q,"type":"click","incident":"inc-%d","account":"u-%d","amount":%d}`,
					batch, i, at, rand.IntN(c.subjects), rand.IntN(c.members), 1+rand.IntN(c.amount)))
			}
			f.Count(t, s, l, lines...)
		}
		for i, r := range store.ratios {
			if r < 0.9 || r > 1.7 {
				t.Errorf("%+v, commit %d of %d: taken for %.2f times its size", c, i, len(store.ratios), r)
			}
		}
		t.Logf("%+v: %.2f", c, store.ratios)
	}
}
