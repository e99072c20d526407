package stream

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect/inspecttest"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// TestRedoneBatchIsTooLarge: a batch that fits a commit does so no more once what another process wrote is under it, since
// all sets have grown out of their records. It is read again, and counted once.
func TestRedoneBatchIsTooLarge(t *testing.T) {
	const subjects = 3_000
	p := compile(t, `
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
	a, la := oneOf(t, p, store, 2, 0)
	b, lb := oneOf(t, p, store, 2, 1)
	fa, fb := newFeeder(p), newFeeder(p)
	fa.count(t, a, la, views("first")...)
	fb.count(t, b, lb, views("second")...)
	again := *fa
	fa.count(t, a, la, views("third")...)
	if a.Standing(0).Stands {
		t.Fatal("the batch was written as it was")
	}
	<-la.Restart
	stand(t, a, la)
	again.count(t, a, la, views("third")...)
	counts := 0
	err := inspecttest.Counts(t.Context(), p, store, 1, func(line []byte) bool {
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
	s, l := lone(t, p, windowstore.NewMem(1))
	feed := newFeeder(p)
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
	feed.count(t, s, l, lines...)
	keys := func() int {
		n, _ := s.BatchSize()
		return n
	}
	for i := 0; keys()+p.KeysPerEvent < windowstore.MaxCommitKeys && i < windowstore.MaxCommitKeys; i++ {
		feed.feed(t, s, l, view(fmt.Sprint("F", i)))
	}
	if n := keys() + p.KeysPerEvent; n != windowstore.MaxCommitKeys {
		t.Fatalf("the batch is not nearly full: %d keys with an event more", n)
	}
	at = at.Add(time.Hour)
	feed.count(t, s, l, view("A")) // Commit refuses what is too large
}
