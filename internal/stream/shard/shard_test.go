package shard_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics/metricstest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard/shardtest"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// TestSetGrowsWithinChunk: a large set, of which a fresh shard has loaded nothing, gains so many members in one chunk of the log
// that it grows by several chunks of members.
func TestSetGrowsWithinChunk(t *testing.T) {
	p := enginetest.Compile(t, `
pack: p
measures: {readers: {distinct: account, types: [view]}}
rules: [{id: r, by: incident, window: 10d, step: 1d, limits: {readers: 900000}}]
`)
	store := windowstore.NewMem(1)
	feed := shardtest.NewFeeder(p)
	n := 0
	views := func(k int) (lines []string) {
		for range k {
			n++
			lines = append(lines, fmt.Sprintf(`{"id":"%d","time":"2026-01-01T00:00:00Z","type":"view","incident":"A","account":"u%d"}`, n, n))
		}
		return lines
	}
	for _, chunks := range [][]int{{1000, 1000, 8000}, {2000, 500}, {3000}} {
		s, l := shardtest.New(t, p, store)
		for _, k := range chunks {
			feed.Apply(t, s, l, views(k)...)
		}
		if err := s.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, line := range shardtest.Counts(t, p, store) {
		if want := fmt.Sprintf(`"value":%d,`, n); !strings.Contains(line, want) {
			t.Errorf("want %s in %s", want, line)
		}
	}
}

// TestBelated: a crossing is committed at once, unless it is of a backlog whose records lay in Kafka so long that it may wait
// for the batch; and many of those do not wait.
func TestBelated(t *testing.T) {
	p := enginetest.Compile(t, shardtest.ClicksPack)
	for _, c := range []struct {
		since  time.Duration // the event came so long ago
		events int
		ended  bool // there is no more
		waits  bool
	}{
		{since: 0, events: 1},
		{since: -time.Hour, events: 1},
		{since: 9 * time.Second, events: 1},
		{since: 11 * time.Second, events: 1, waits: true},
		{since: 11 * time.Second, events: 1, ended: true},
		{since: 11 * time.Second, events: 60},
	} {
		s, l := shardtest.New(t, p, windowstore.NewMem(1))
		o := *s.Options
		o.MaxAge, o.Now = time.Second, func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(c.since) }
		s.Options = &o
		var lines []string
		for i := range c.events { // each has two levels
			lines = append(lines, fmt.Sprintf(`{"id":"%d","time":"2026-01-01T00:00:00Z","type":"click","incident":"%d","count":10}`, i, i))
		}
		f := shardtest.NewFeeder(p)
		r := f.Chunk(t, lines)
		r.To.Ended = c.ended
		if err := s.Take(t.Context(), l, r); err != nil {
			t.Fatal(err)
		}
		if waits := len(s.Waiting()) > 0; waits != c.waits {
			t.Errorf("%+v: the crossings wait %v", c, waits)
		}
		r = f.Chunk(t, []string{`{"id":"last","time":"2026-01-01T00:00:00Z","type":"click","incident":"another"}`})
		r.To.Ended = true
		if err := s.Take(t.Context(), l, r); err != nil {
			t.Fatal(err)
		}
		if len(s.Waiting()) > 0 {
			t.Errorf("%+v: the crossings wait at the end of the log", c)
		}
	}
}

// TestBelatedOfAnother: that one partition is at its end does not hurry the crossings of another, of which a backlog is read.
func TestBelatedOfAnother(t *testing.T) {
	p := enginetest.Compile(t, shardtest.ClicksPack)
	s, l := shardtest.NewOf(t, p, windowstore.NewMem(1), 2, 0)
	other := shard.NewAssignment("events", 1, 1, 1)
	shardtest.Begin(t, s, other)
	o := *s.Options
	o.MaxAge, o.Now = time.Second, func() time.Time { return time.Date(2026, 1, 1, 1, 0, 0, 0, time.UTC) }
	s.Options = &o
	take := func(l *shard.Assignment, f *shardtest.Feeder, ended bool, line string) {
		t.Helper()
		r := f.Chunk(t, []string{line})
		r.To.Ended = ended
		if err := s.Take(t.Context(), l, r); err != nil {
			t.Fatal(err)
		}
	}
	backlog, live := shardtest.NewFeeder(p), shardtest.NewFeeder(p)
	take(l, backlog, false, `{"id":"1","time":"2026-01-01T00:00:00Z","type":"click","incident":"A","count":10}`)
	if take(other, live, true, `{"id":"2","time":"2026-01-01T00:00:00Z","type":"click","incident":"B"}`); len(s.Waiting()) != 2 {
		t.Errorf("%d crossings wait, want both levels of A", len(s.Waiting()))
	}
	if take(l, backlog, true, `{"id":"3","time":"2026-01-01T00:00:00Z","type":"click","incident":"C"}`); len(s.Waiting()) != 0 {
		t.Errorf("%d crossings wait at the end of their partition", len(s.Waiting()))
	}
}

// TestSubjectsMade: a subject is counted as made when its record is first written, by kind, and not again.
func TestSubjectsMade(t *testing.T) {
	p := enginetest.Compile(t, `
pack: p
measures: {clicks: {sum: count, types: [click]}}
rules:
  - {id: r, by: incident, window: 10d, step: 1d, limits: {clicks: 900000}}
  - {id: s, by: account, window: 10d, step: 1d, limits: {clicks: 900000}}
`)
	store := windowstore.NewMem(1)
	s, l := shardtest.New(t, p, store)
	feed := shardtest.NewFeeder(p)
	click := func(n int, incident string) string {
		return fmt.Sprintf(`{"id":"%d","time":"2026-01-01T00:00:00Z","type":"click","incident":"%s","account":"u"}`, n, incident)
	}
	f := func(incidents, accounts float64) {
		t.Helper()
		if i, a := metricstest.Value(s.Metrics.Made[thresholds.Incident]), metricstest.Value(s.Metrics.Made[thresholds.Account]); i != incidents || a != accounts {
			t.Errorf("made %v incidents and %v accounts, want %v and %v", i, a, incidents, accounts)
		}
	}
	f(0, 0)
	feed.Count(t, s, l, click(1, "A"), click(2, "A"), click(3, "B"))
	f(2, 1)
	feed.Count(t, s, l, click(4, "A"), click(5, "C"))
	f(3, 1)
	s, l = shardtest.New(t, p, store) // another process
	feed.Count(t, s, l, click(6, "A"), click(7, "B"))
	f(0, 0)
}
