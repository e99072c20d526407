package stream

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// takeLines applies lines, as the next of the lease's partition, and commits.
func takeLines(t *testing.T, s *shard, l *lease, f *feeder, lines []string) {
	t.Helper()
	r := f.run(t, lines)
	for i := range r.ops {
		r.ops[i].place = int32(l.index)
	}
	if err := s.take(t.Context(), l, r); err != nil {
		t.Fatal(err)
	}
	if err := s.commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestRedoneBatchIsTooLarge: a batch that fits a commit does so no more once what another process wrote is under it, since
// all sets have grown out of their records. It is read again, and counted once.
func TestRedoneBatchIsTooLarge(t *testing.T) {
	const subjects = 3_000
	p := compile(t, `
pack: p
measures: {readers: {distinct: account, types: [view]}}
rules: [{id: r, by: incident, window: 10d, step: 1d, limits: {readers: 500}}]
`)
	for i := range p.kinds {
		p.kinds[i].layout.SetPieces(2, 100, 256)
	}
	store := windows.NewMem(1)
	views := func(account string) (lines []string) {
		for i := range subjects {
			lines = append(lines, fmt.Sprintf(`{"id":"%s%d","time":"2026-01-01T00:00:00Z","type":"view","incident":"%d","account":%q}`, account, i, i, account))
		}
		return lines
	}
	a, la := oneOf(t, p, store, 2, 0)
	b, lb := oneOf(t, p, store, 2, 1)
	fa, fb := &feeder{in: newIntake(p, Secret{}, Intake{})}, &feeder{in: newIntake(p, Secret{}, Intake{})}
	takeLines(t, a, la, fa, views("first"))
	takeLines(t, b, lb, fb, views("second"))
	again := *fa
	takeLines(t, a, la, fa, views("third"))
	if a.places[0].stands {
		t.Fatal("the batch was written as it was")
	}
	<-la.restart
	stand(t, a, la)
	takeLines(t, a, la, &again, views("third"))
	counts := 0
	err := p.StoredCounts(t.Context(), store, 1, func(line []byte) bool {
		counts++
		if !strings.Contains(string(line), `"value":3,`) {
			t.Errorf("want 3 in %s", line)
		}
		return true
	})
	if err != nil || counts != subjects {
		t.Errorf("%d counts, error %v", counts, err)
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
	p := compile(t, "pack: p\nmeasures:\n"+strings.Join(measures, "")+
		"rules: [{id: r, by: incident, window: 1000h, step: 1h, limits: {"+strings.Join(limits, ", ")+"}, levels: [1]}]\n")
	s, l := lone(t, p, windows.NewMem(1))
	feed := &feeder{in: newIntake(p, Secret{}, Intake{})}
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
	takeLines(t, s, l, feed, lines)
	for i := 0; s.commitKeys()+p.keysPerEvent < windows.MaxCommitKeys && i < windows.MaxCommitKeys; i++ {
		if err := s.take(t.Context(), l, feed.run(t, []string{view(fmt.Sprint("F", i))})); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.commitKeys() + p.keysPerEvent; n != windows.MaxCommitKeys {
		t.Fatalf("the batch is not nearly full: %d keys with an event more", n)
	}
	at = at.Add(time.Hour)
	takeLines(t, s, l, feed, []string{view("A")}) // Commit refuses what is too large
}

// meanwhile is a store that does something else before it commits.
type meanwhile struct {
	*windows.Mem
	then func()
}

func (s *meanwhile) Commit(ctx context.Context, shard int, c *windows.Commit) (windows.Result, error) {
	if f := s.then; f != nil {
		s.then = nil
		f()
	}
	return s.Mem.Commit(ctx, shard, c)
}

// TestSweepMeetsWrite: a subject, with a history of its own, is written by another process while a sweep clears it. It is as that process
// left it, and clears later.
func TestSweepMeetsWrite(t *testing.T) {
	p := compile(t, sweepPack)
	for i := range p.kinds {
		p.kinds[i].layout.SetPieces(20, 128, 1)
	}
	mem := windows.NewMem(1)
	b, lb := oneOf(t, p, mem, 2, 1)
	fb, days := &feeder{in: newIntake(p, Secret{}, Intake{})}, 0
	click := func() {
		days++
		takeLines(t, b, lb, fb, []string{fmt.Sprintf(`{"id":"d%d","time":"2026-01-%02dT00:00:00Z","type":"click","incident":"A","count":10}`, days, days)})
	}
	for range 5 {
		click()
	}
	store := &meanwhile{Mem: mem}
	a, la := oneOf(t, p, store, 2, 0)
	takeLines(t, a, la, &feeder{in: newIntake(p, Secret{}, Intake{})}, []string{`{"id":"z","time":"2026-02-20T00:00:00Z","type":"click","incident":"Z"}`})

	// For the sweep the other partition is as far, and then it is not.
	key := a.places[1].key
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
	put(mark{offset: fb.offset, newest: time.Date(2026, 2, 20, 0, 0, 0, 0, time.UTC).UnixNano(), clock: noTime}.appendFence(nil, 0))
	store.then = func() {
		put(here[0])
		click()
	}
	if err := a.sweep(t.Context(), []windows.Due{{Member: mem.Keys().AppendMember(nil, "incident", []byte("A"))}}); err != nil {
		t.Fatal(err)
	}
	if store.then != nil {
		t.Fatal("the sweep wrote nothing")
	}
	err = p.StoredCounts(t.Context(), mem, 1, func(line []byte) bool {
		if text := string(line); strings.Contains(text, `"subject":"A"`) && !strings.Contains(text, `"value":60,`) {
			t.Errorf("want 60 in %s", line)
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	due, err := mem.Armed(t.Context(), 0, 1<<40, 10)
	if err != nil || len(due) != 1 {
		t.Errorf("%d subjects armed, error %v", len(due), err)
	}
}
