package shard_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard/shardtest"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// TestSweepKeepsCommitsSmall: a sweep of many subjects meets a batch that is nearly full.
func TestSweepKeepsCommitsSmall(t *testing.T) {
	p := enginetest.Compile(t, shardtest.ClicksPack)
	store := windowstore.NewMem(1)
	s, l := shardtest.New(t, p, store)
	feed := shardtest.NewFeeder(p)
	clicks := func(name, time string, n, count int) (lines []string) {
		for i := range n {
			lines = append(lines, fmt.Sprintf(`{"id":"%s%d","time":%q,"type":"click","incident":"%s%d","count":%d}`, name, i, time, name, i, count))
		}
		return lines
	}
	for _, lines := range [][]string{clicks("armed", "2026-01-01T00:00:00Z", 200, 10), clicks("other", "2026-03-01T00:00:00Z", 3800, 1)} {
		feed.Apply(t, s, l, lines...)
	}
	due := shardtest.Armed(t, store)
	if len(due) != 200 {
		t.Fatalf("%d subjects armed", len(due))
	}
	if err := s.Sweep(t.Context(), due); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if due = shardtest.Armed(t, store); len(due) != 0 {
		t.Fatalf("%d subjects still armed", len(due))
	}
}

// TestSweepOfWhatAnotherProcessCounts: the process that sweeps a shard has read a subject before another process
// brought it to its limit. It must not take what it remembers for what is.
func TestSweepOfWhatAnotherProcessCounts(t *testing.T) {
	p := enginetest.Compile(t, shardtest.ClicksPack)
	store := windowstore.NewMem(1)
	counts, l := shardtest.New(t, p, store)
	sweeps := shard.New(0, counts.Options)
	sweeps.Peers.Store(1)
	feed := shardtest.NewFeeder(p)
	click := func(id, day, incident string, count int) {
		t.Helper()
		line := fmt.Sprintf(`{"id":%q,"time":"2026-01-%sT00:00:00Z","type":"click","incident":%q,"count":%d}`, id, day, incident, count)
		feed.Count(t, counts, l, line)
	}
	sweep := func(due []windowstore.Due) {
		t.Helper()
		if err := sweeps.VerifyFences(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := sweeps.Sweep(t.Context(), due); err != nil {
			t.Fatal(err)
		}
	}
	click("1", "01", "A", 1)
	sweep([]windowstore.Due{{Member: store.Keys().AppendMember(nil, "incident", []byte("A"))}})
	click("2", "02", "A", 20)
	click("3", "28", "B", 1)
	due := shardtest.Armed(t, store)
	if len(due) != 1 {
		t.Fatalf("%d subjects armed", len(due))
	}
	sweep(due)
	values, err := store.Load(t.Context(), 0, [][]byte{store.Keys().AppendRecordKey(nil, 0, "incident", []byte("A"))}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := windows.DecodeSubject(&p.Kinds[0].Layout, values[0])
	if err != nil || s.RuleState(0).Level != 0 || s.RuleState(0).Episode != 2 {
		t.Fatalf("not cleared: %+v, %v", s.RuleState(0), err)
	}
}

// TestSweepReadsAgain: a process that sweeps has a subject in memory that another
// has brought over a level since.
func TestSweepReadsAgain(t *testing.T) {
	r := shardtest.NewClicksRig(t)
	other := shard.New(0, r.Shard.Options)
	member := []windowstore.Due{{Member: r.Store.Keys().AppendMember(nil, "incident", []byte("A"))}}
	sweep := func() {
		if err := other.Sweep(t.Context(), member); err != nil {
			t.Fatal(err)
		}
	}
	r.Clicks(1)
	if sweep(); len(r.Armed()) != 0 {
		t.Fatal("armed without a level")
	}
	r.Clicks(10)
	if sweep(); len(r.Armed()) != 1 {
		t.Fatal("taken out of the index by an old record")
	}
	r.Reach(20)
	if sweep(); other.Entry(0, "A").RuleState(0).Episode != 2 {
		t.Fatal("not cleared")
	}
}

// daily has a shard count ten clicks of incident A on each of five days, and returns what does so on the next one.
func daily(t *testing.T, s *shard.Shard, l *shard.Assignment, f *shardtest.Feeder) (click func()) {
	day := 0
	click = func() {
		day++
		f.Count(t, s, l, fmt.Sprintf(`{"id":"d%d","time":"2026-01-%02dT00:00:00Z","type":"click","incident":"A","count":10}`, day, day))
	}
	for range 5 {
		click()
	}
	return click
}

// TestSweepWithoutAssignment: another process writes a subject while it is read for a sweep, by a shard that stands nowhere.
func TestSweepWithoutAssignment(t *testing.T) {
	r := shardtest.NewClicksRig(t)
	r.Shard.Program.Kinds[0].Layout.Sizes = windows.Sizes{Inline: 20, Chunk: 128, History: 1}
	click := daily(t, r.Shard, r.Assignment, r.Feeder)
	o := *r.Shard.Options
	o.Store = &afterLoad{r.Store, "r:", click}
	if err := shard.New(0, &o).Sweep(t.Context(), []windowstore.Due{{Member: r.Store.Keys().AppendMember(nil, "incident", []byte("A"))}}); err != nil {
		t.Fatal(err)
	}
}

// TestSweepMeetsWrite: a subject, with a history of its own, is written by another process while a sweep clears it. It is as that process
// left it, and clears later.
func TestSweepMeetsWrite(t *testing.T) {
	p := enginetest.Compile(t, shardtest.ClicksPack)
	for i := range p.Kinds {
		p.Kinds[i].Layout.Sizes = windows.Sizes{Inline: 20, Chunk: 128, History: 1}
	}
	mem := windowstore.NewMem(1)
	b, lb := shardtest.NewOf(t, p, mem, 2, 1)
	fb := shardtest.NewFeeder(p)
	click := daily(t, b, lb, fb)
	store := &meanwhile{Mem: mem}
	a, la := shardtest.NewOf(t, p, store, 2, 0)
	shardtest.NewFeeder(p).Count(t, a, la, `{"id":"z","time":"2026-02-20T00:00:00Z","type":"click","incident":"Z"}`)

	// For the sweep the other partition is as far, and then it is not.
	key := shardtest.FenceKey(a, 1)
	here, err := mem.Load(t.Context(), 0, [][]byte{key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	put := func(fence []byte) {
		t.Helper()
		if err := mem.Put(t.Context(), 0, key, fence); err != nil {
			t.Fatal(err)
		}
	}
	put(position.Position{Offset: fb.Offset, Newest: time.Date(2026, 2, 20, 0, 0, 0, 0, time.UTC).UnixNano(), Clock: engine.NoTime}.AppendFence(nil, 0))
	store.commits = func() {
		put(here[0])
		click()
	}
	if err := a.Sweep(t.Context(), []windowstore.Due{{Member: mem.Keys().AppendMember(nil, "incident", []byte("A"))}}); err != nil {
		t.Fatal(err)
	}
	if store.commits != nil {
		t.Fatal("the sweep wrote nothing")
	}
	for _, line := range shardtest.Counts(t, p, mem) {
		if strings.Contains(line, `"subject":"A"`) && !strings.Contains(line, `"value":60,`) {
			t.Errorf("want 60 in %s", line)
		}
	}
	if due := shardtest.Armed(t, mem); len(due) != 1 {
		t.Errorf("%d subjects armed", len(due))
	}
}
