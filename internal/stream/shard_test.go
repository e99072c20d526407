package stream

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect/inspecttest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/janitor"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watermark"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// lone is a shard that is alone in its world, standing at its fence.
func lone(t testing.TB, p *engine.Program, store windowstore.Store) (*shard.Shard, *shard.Assignment) {
	t.Helper()
	return oneOf(t, p, store, 1, 0)
}

// oneOf is a shard of one of some processes that read a partition each, standing at its fence.
func oneOf(t testing.TB, p *engine.Program, store windowstore.Store, processes, which int) (*shard.Shard, *shard.Assignment) {
	t.Helper()
	var partitions []position.TopicPartition
	for i := range processes {
		partitions = append(partitions, position.TopicPartition{Topic: "events", Partition: i})
	}
	o := shard.NewOptions(p, store, 1, partitions, watermark.NewAlignment(processes, 1, 0, func() {}), metrics.NewRetrier(metrics.New(prometheus.NewRegistry(), p), discard))
	o.OutboxMax, o.MaxAge, o.CacheBytes = 1<<30, 365*24*time.Hour, 1<<30
	s, l := shard.New(0, o), shard.NewAssignment("events", which, which, 1)
	s.Peers.Store(int64(processes - 1))
	stand(t, s, l)
	return s, l
}

// stand has the shard stand at the fence of its assignment, as stored; if there is none, at the start.
func stand(t testing.TB, s *shard.Shard, l *shard.Assignment) {
	t.Helper()
	start := position.Position{Clock: engine.NoTime, Newest: engine.NoTime, Pack: s.Program.Hash}.AppendFence(nil, 0)
	fence, err := s.Store.PutAbsent(t.Context(), 0, s.Standing(l.Index).Key, start)
	if err != nil {
		t.Fatal(err)
	}
	m, err := position.ParseFence(fence)
	if err != nil {
		t.Fatal(err)
	}
	s.Begin(l, fence, m)
}

// feeder makes chunks of lines, as one partition.
type feeder struct {
	in     *engine.Intake
	place  int // of the partition
	offset int64
}

func newFeeder(p *engine.Program) *feeder {
	return &feeder{in: engine.NewIntake(p, engine.Secret{}, engine.IntakeOptions{})}
}

// feed has a shard apply lines, as the next of its assignment's partition.
func (f *feeder) feed(t *testing.T, s *shard.Shard, l *shard.Assignment, lines ...string) {
	t.Helper()
	f.place = l.Index
	if err := s.Take(t.Context(), l, f.run(t, lines)); err != nil {
		t.Fatal(err)
	}
}

// count has a shard apply lines and commit.
func (f *feeder) count(t *testing.T, s *shard.Shard, l *shard.Assignment, lines ...string) {
	t.Helper()
	f.feed(t, s, l, lines...)
	if err := s.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (f *feeder) run(t testing.TB, lines []string) *shard.Chunk {
	t.Helper()
	r := &shard.Chunk{}
	r.Reset(f.offset)
	var clock int64
	for _, line := range lines {
		if err := f.in.Decoder.Decode(&f.in.Event, []byte(line)); err != nil {
			t.Fatal(err)
		}
		clock = engine.Milliseconds(f.in.Event.Time)
		for _, o := range f.in.Operations() {
			r.Add(&o, f.place, f.offset, clock, f.in.Newest)
		}
		f.offset++
	}
	r.To = position.Position{Offset: f.offset, Clock: clock, Newest: f.in.Newest, Pack: f.in.Program.Hash}
	return r
}

// TestSetGrowsWithinARun: a large set, of which a fresh shard has loaded
// nothing, gains so many members in one run that it grows by several chunks.
func TestSetGrowsWithinARun(t *testing.T) {
	p := compile(t, `
pack: p
measures: {readers: {distinct: account, types: [view]}}
rules: [{id: r, by: incident, window: 10d, step: 1d, limits: {readers: 900000}}]
`)
	store := windowstore.NewMem(1)
	feed := newFeeder(p)
	n := 0
	views := func(k int) (lines []string) {
		for range k {
			n++
			lines = append(lines, fmt.Sprintf(`{"id":"%d","time":"2026-01-01T00:00:00Z","type":"view","incident":"A","account":"u%d"}`, n, n))
		}
		return lines
	}
	for _, runs := range [][]int{{1000, 1000, 8000}, {2000, 500}, {3000}} {
		s, l := lone(t, p, store)
		for _, k := range runs {
			feed.feed(t, s, l, views(k)...)
		}
		if err := s.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	err := inspecttest.Counts(t.Context(), p, store, 1, func(line []byte) bool {
		if want := fmt.Sprintf(`"value":%d,`, n); !strings.Contains(string(line), want) {
			t.Errorf("want %s in %s", want, line)
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestSweepKeepsCommitsSmall: a sweep of many subjects meets a batch that is nearly full.
func TestSweepKeepsCommitsSmall(t *testing.T) {
	p := compile(t, `
pack: p
measures: {clicks: {sum: count, types: [click]}}
rules: [{id: r, by: incident, window: 10d, step: 1d, limits: {clicks: 10}, clear: 0.5}]
`)
	store := windowstore.NewMem(1)
	s, l := lone(t, p, store)
	feed := newFeeder(p)
	clicks := func(name, time string, n, count int) (lines []string) {
		for i := range n {
			lines = append(lines, fmt.Sprintf(`{"id":"%s%d","time":%q,"type":"click","incident":"%s%d","count":%d}`, name, i, time, name, i, count))
		}
		return lines
	}
	for _, lines := range [][]string{clicks("armed", "2026-01-01T00:00:00Z", 200, 10), clicks("other", "2026-03-01T00:00:00Z", 3800, 1)} {
		feed.feed(t, s, l, lines...)
	}
	due, err := store.Armed(t.Context(), 0, 1<<40, janitor.SweepMost)
	if err != nil || len(due) != 200 {
		t.Fatalf("%d subjects armed, %v", len(due), err)
	}
	if err := s.Sweep(t.Context(), due); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if due, _ = store.Armed(t.Context(), 0, 1<<40, janitor.SweepMost); len(due) != 0 {
		t.Fatalf("%d subjects still armed", len(due))
	}
}

// TestForgetOnce: a subject that had a level shrinks once; one that had none goes.
func TestForgetOnce(t *testing.T) {
	p := compile(t, `
pack: p
measures: {readers: {distinct: account, types: [view]}}
rules: [{id: r, by: incident, window: 1h, step: 1m, limits: {readers: 500}, levels: [0.5, 1]}]
`)
	store := windowstore.NewMem(1)
	s, l := lone(t, p, store)
	feed := newFeeder(p)
	var lines []string
	for i := range 700 {
		incident := []string{"loud", "quiet"}[i/500]
		lines = append(lines, fmt.Sprintf(`{"id":"%d","time":"2026-01-01T00:00:00Z","type":"view","incident":"%s","account":"u%d"}`, i, incident, i%550))
	}
	feed.count(t, s, l, lines...)
	later := position.Position{Offset: 700, Newest: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC).UnixNano(), Clock: engine.NoTime, Pack: p.Hash}
	if err := store.Put(t.Context(), 0, s.Standing(0).Key, later.AppendFence(make([]byte, 0, position.FenceSize), 0)); err != nil {
		t.Fatal(err)
	}
	s.StreamTimeShared.Store(0)
	w := scanner(s.Options, s)
	key := store.Keys().AppendRecordKey(nil, 0, "incident", []byte("loud"))
	var before string
	for n := range 3 {
		if err := w.Scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		values, err := store.Load(t.Context(), 0, [][]byte{key}, nil)
		if err != nil || values[0] == nil {
			t.Fatalf("the record with a level is gone, %v", err)
		}
		if n > 0 && string(values[0]) != before {
			t.Fatal("the record was written again")
		}
		before = string(values[0])
	}
	left := map[string]bool{}
	_ = store.Scan(context.Background(), 0, nil, func(key []byte) bool { left[string(key)] = true; return true })
	for k := range left {
		if strings.Contains(k, "quiet") || strings.Contains(k, "p:") {
			t.Errorf("left over: %q", k)
		}
	}
}

// TestSweepOfWhatAnotherProcessCounts: the process that sweeps a shard has read a subject before another process
// brought it to its limit. It must not take what it remembers for what is.
func TestSweepOfWhatAnotherProcessCounts(t *testing.T) {
	p := compile(t, `
pack: p
measures: {clicks: {sum: count, types: [click]}}
rules: [{id: r, by: incident, window: 10d, step: 1d, limits: {clicks: 10}, clear: 0.5}]
`)
	store := windowstore.NewMem(1)
	counts, l := lone(t, p, store)
	sweeps := shard.New(0, counts.Options)
	sweeps.Peers.Store(1)
	feed := newFeeder(p)
	click := func(id, day, incident string, count int) {
		t.Helper()
		line := fmt.Sprintf(`{"id":%q,"time":"2026-01-%sT00:00:00Z","type":"click","incident":%q,"count":%d}`, id, day, incident, count)
		feed.count(t, counts, l, line)
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
	due, err := store.Armed(t.Context(), 0, 1<<40, janitor.SweepMost)
	if err != nil || len(due) != 1 {
		t.Fatalf("%d subjects armed, %v", len(due), err)
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

// TestBelated: a crossing is committed at once, unless it is of a backlog whose records lay in Kafka so long that it may wait
// for the batch; and many of those do not wait.
func TestBelated(t *testing.T) {
	p := compile(t, sweepPack)
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
		s, l := lone(t, p, windowstore.NewMem(1))
		o := *s.Options
		o.MaxAge, o.Now = time.Second, func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(c.since) }
		s.Options = &o
		var lines []string
		for i := range c.events { // each has two levels
			lines = append(lines, fmt.Sprintf(`{"id":"%d","time":"2026-01-01T00:00:00Z","type":"click","incident":"%d","count":10}`, i, i))
		}
		f := newFeeder(p)
		r := f.run(t, lines)
		r.To.Ended = c.ended
		if err := s.Take(t.Context(), l, r); err != nil {
			t.Fatal(err)
		}
		if waits := len(s.Waiting()) > 0; waits != c.waits {
			t.Errorf("%+v: the crossings wait %v", c, waits)
		}
		r = f.run(t, []string{`{"id":"last","time":"2026-01-01T00:00:00Z","type":"click","incident":"another"}`})
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
	p := compile(t, sweepPack)
	s, l := oneOf(t, p, windowstore.NewMem(1), 2, 0)
	other := shard.NewAssignment("events", 1, 1, 1)
	stand(t, s, other)
	o := *s.Options
	o.MaxAge, o.Now = time.Second, func() time.Time { return time.Date(2026, 1, 1, 1, 0, 0, 0, time.UTC) }
	s.Options = &o
	take := func(l *shard.Assignment, f *feeder, ended bool, line string) {
		t.Helper()
		r := f.run(t, []string{line})
		r.To.Ended = ended
		if err := s.Take(t.Context(), l, r); err != nil {
			t.Fatal(err)
		}
	}
	backlog, live := newFeeder(p), newFeeder(p)
	take(l, backlog, false, `{"id":"1","time":"2026-01-01T00:00:00Z","type":"click","incident":"A","count":10}`)
	if take(other, live, true, `{"id":"2","time":"2026-01-01T00:00:00Z","type":"click","incident":"B"}`); len(s.Waiting()) != 2 {
		t.Errorf("%d crossings wait, want both levels of A", len(s.Waiting()))
	}
	if take(l, backlog, true, `{"id":"3","time":"2026-01-01T00:00:00Z","type":"click","incident":"C"}`); len(s.Waiting()) != 0 {
		t.Errorf("%d crossings wait at the end of their partition", len(s.Waiting()))
	}
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
	p := compile(t, `
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
		s, l := lone(t, p, store)
		store.shard = s
		f := newFeeder(p)
		for batch := range 12 {
			at := time.Date(2026, 1, 1, batch, 0, 0, 0, time.UTC).Format(time.RFC3339)
			var lines []string
			for i := range c.events {
				lines = append(lines, fmt.Sprintf(`{"id":"%d-%d","time":%q,"type":"click","incident":"inc-%d","account":"u-%d","amount":%d}`,
					batch, i, at, rand.IntN(c.subjects), rand.IntN(c.members), 1+rand.IntN(c.amount)))
			}
			f.count(t, s, l, lines...)
		}
		for i, r := range store.ratios {
			if r < 0.9 || r > 1.7 {
				t.Errorf("%+v, commit %d of %d: taken for %.2f times its size", c, i, len(store.ratios), r)
			}
		}
		t.Logf("%+v: %.2f", c, store.ratios)
	}
}
