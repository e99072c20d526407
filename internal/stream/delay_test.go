package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
	"github.com/seed-afe14ff2/aggregator/internal/stream/verify"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// behindPack announces the third click of an hour and the ninth, and clears.
const behindPack = `
pack: behind
measures: {clicks: {sum: count, types: [click]}}
rules: [{id: r, by: incident, window: 1h, step: 1m, limits: {clicks: 3}, levels: [1, 3], clear: 0.5}]
`

// clickOf is a click of an incident at a time of the first of January.
func clickOf(incident, at string) string {
	return fmt.Sprintf(`{"id":"%s %s","time":"2026-01-01T%sZ","type":"click","incident":%q}`, incident, at, at, incident)
}

// behindLines are a click of "other" at noon, and then twelve of "old" from two hours before.
func behindLines() []string {
	lines := []string{clickOf("other", "12:00:00")}
	for i := range 12 {
		lines = append(lines, clickOf("old", fmt.Sprintf("10:00:%02d", i+1)))
	}
	return lines
}

// replayedLines are the ids of the crossings that each line brings, behind its number.
func replayedLines(t *testing.T, p *engine.Program, lines []string) (got []string, r *engine.Replay) {
	t.Helper()
	n := 0
	r = engine.NewReplay(p, engine.IntakeOptions{}, math.MaxInt64, func(c *thresholds.Crossing) {
		got = append(got, fmt.Sprintf("%d %s %s", n, c.AppendID(nil), time.Unix(0, c.Time).UTC().Format("15:04:05")))
	})
	for _, line := range lines {
		n++
		if err := r.Line([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	return got, r
}

// TestSubjectBehindIsNotCleared: a subject whose events come two hours behind the stream, in order, is not cleared under them. The
// stream clears it two hours later.
func TestSubjectBehindIsNotCleared(t *testing.T) {
	p := compile(t, behindPack)
	f := func(more []string, want ...string) {
		t.Helper()
		want = append([]string{"4 r/incident/old/1/1 10:00:03", "10 r/incident/old/1/3 10:00:09"}, want...)
		got, r := replayedLines(t, p, append(behindLines(), more...))
		if !slices.Equal(got, want) || r.Stats.Late != 0 {
			t.Errorf("%d late, got\n%s\nwant\n%s", r.Stats.Late, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	f(nil)
	f([]string{clickOf("other", "13:00:47.999999999")})                         // a click of 10:00:12 was 1:59:48 behind
	f([]string{clickOf("other", "13:00:48")}, "14 r/incident/old/1/0 11:01:00") // and its minute leaves at 11:01
	f([]string{clickOf("old", "11:00:59")})                                     // it holds the rest
	f([]string{clickOf("old", "11:01:00")}, "14 r/incident/old/1/0 11:01:00")   // its own time clears it at once
	f([]string{clickOf("old", "11:59:59")}, "14 r/incident/old/1/0 11:01:00")   // dated where it was due
	f([]string{clickOf("old", "09:30:00"), clickOf("other", "13:00:47")})       // older than its time
	f([]string{clickOf("old", "09:30:00"), clickOf("other", "13:00:48")}, "15 r/incident/old/1/0 11:01:00")
	f([]string{clickOf("other", "12:30:00"), clickOf("old", "10:00:12.5"), clickOf("other", "13:30:47")})
	f([]string{clickOf("other", "12:30:00"), clickOf("old", "10:00:12.5"), clickOf("other", "13:30:48")}, "16 r/incident/old/1/0 11:01:00")
}

// TestOrderOfClears: what the stream has made due, and what an event has for its own subjects, comes in one order, before all
// crossings of the event.
func TestOrderOfClears(t *testing.T) {
	p := compile(t, `
pack: two
measures: {clicks: {sum: count, types: [click]}}
rules:
  - {id: i, by: incident, window: 10m, step: 1m, limits: {clicks: 2}, levels: [1], clear: 0.5}
  - {id: a, by: account, window: 10m, step: 1m, limits: {clicks: 2}, levels: [1], clear: 0.5}
`)
	f := func(incident, account, at string, count int) string {
		return fmt.Sprintf(`{"id":"%s%s%s","time":"2026-01-01T%sZ","type":"click","incident":%q,"account":%q,"count":%d}`, incident, account, at, at, incident, account, count)
	}
	got, _ := replayedLines(t, p, []string{
		f("silent", "silent", "11:55:00", 2), // cleared at 12:06
		f("last", "last", "12:05:59", 1),
		f("b", "a", "10:00:00", 2), // two hours behind, cleared at 10:11
		f("c", "d", "12:06:00", 2), // by the stream, before its own crossings
		f("b", "a", "10:20:00", 2), // by its own time, both before both crossings
		f("d", "d", "12:17:00", 2), // d's own, the stream's c, and b, whose last event was 1:46 behind
	})
	want := []string{
		"1 i/incident/silent/1/1 11:55:00", "1 a/account/silent/1/1 11:55:00",
		"3 i/incident/b/1/1 10:00:00", "3 a/account/a/1/1 10:00:00",
		"4 i/incident/silent/1/0 12:06:00", "4 a/account/silent/1/0 12:06:00", "4 i/incident/c/1/1 12:06:00", "4 a/account/d/1/1 12:06:00",
		"5 i/incident/b/1/0 10:11:00", "5 a/account/a/1/0 10:11:00", "5 i/incident/b/2/1 10:20:00", "5 a/account/a/2/1 10:20:00",
		"6 i/incident/b/2/0 10:31:00", "6 a/account/a/2/0 10:31:00",
		"6 i/incident/c/1/0 12:17:00", "6 a/account/d/1/0 12:17:00", "6 i/incident/d/1/1 12:17:00", "6 a/account/d/2/1 12:17:00",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// customers draws the events of some customers, each in about its own order, over some days.
func customers(rnd *rand.Rand, n int) [][]string {
	all := make([][]string, n)
	for c := range all {
		at := date(2026, 3, 1).Add(time.Duration(rnd.IntN(5*24*3600)) * time.Second)
		for i := range 1 + rnd.IntN(60) {
			at = at.Add(time.Duration(rnd.IntN([]int{60, 600, 7200}[rnd.IntN(3)])) * time.Second)
			own := at.Add(-time.Duration(rnd.IntN(1+100*rnd.IntN(2))) * time.Second)
			if rnd.IntN(40) == 0 {
				own = at.Add(-3 * time.Hour) // late by its own order
			}
			all[c] = append(all[c], fmt.Sprintf(`{"id":"%d-%d","time":%q,"type":"click","incident":"c%d","count":%d}`,
				c, i, own.Format(time.RFC3339), c, 1+rnd.IntN(3)))
		}
	}
	return all
}

// TestBacklogByCustomer: a backlog that comes customer by customer crosses, and is late, where each customer alone would be.
func TestBacklogByCustomer(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	p := compile(t, behindPack)
	crossings, late := 0, 0
	for n := range uint64(60) {
		all := customers(rand.New(rand.NewPCG(seed, n)), 40)
		want, wantLate := []string{}, 0
		for _, lines := range all {
			got, r := replayedLines(t, p, lines)
			want, wantLate = append(want, crossed(got)...), wantLate+r.Stats.Late
		}
		got, r := replayedLines(t, p, slices.Concat(all...))
		if got = crossed(got); !slices.Equal(got, want) || r.Stats.Late != wantLate {
			t.Fatalf("backlog %d: %d late, want %d; %d crossings, want %d", n, r.Stats.Late, wantLate, len(got), len(want))
		}
		crossings, late = crossings+len(want), late+wantLate
	}
	if crossings < 1000 || late < 100 {
		t.Errorf("only %d crossings, %d late", crossings, late)
	}
}

// crossed are those that are no clears, without the number of the line.
func crossed(all []string) (levels []string) {
	for _, c := range all {
		if _, c, _ = strings.Cut(c, " "); !strings.Contains(c, "/0 ") {
			levels = append(levels, c)
		}
	}
	return levels
}

// TestServiceOfSubjectBehind: the service gives what replay gives, whatever its batches, and after it was ended anywhere.
func TestServiceOfSubjectBehind(t *testing.T) {
	p := compile(t, behindPack)
	lines := append(behindLines(), clickOf("other", "13:00:47"), clickOf("old", "10:59:00"), clickOf("old", "11:02:00"))
	want, _ := replayedLines(t, p, lines)
	for i := range want {
		_, want[i], _ = strings.Cut(want[i], " ")
		want[i], _, _ = strings.Cut(want[i], " ")
	}
	for cut := 1; cut < len(lines); cut++ {
		store, feed := windowstore.NewMem(1), newFeeder(p)
		for _, some := range [][]string{lines[:cut], lines[cut:]} { // two processes, one after the other
			s, l := lone(t, p, store)
			feed.count(t, s, l, some...)
		}
		if got := outboxIDs(t, store); !slices.Equal(got, want) {
			t.Errorf("ended after %d lines: got %v, want %v", cut, got, want)
		}
		values, err := store.Load(t.Context(), 0, [][]byte{store.Keys().AppendRecordKey(nil, 0, "incident", []byte("old"))}, nil)
		if err != nil {
			t.Fatal(err)
		}
		old, err := windows.DecodeSubject(&p.Kinds[0].Layout, values[0])
		if err != nil {
			t.Fatal(err)
		}
		if behind := time.Hour + 58*time.Minute + 47*time.Second; old.Delay() != uint64(behind) { // a click of 11:02:00 at 13:00:47
			t.Errorf("ended after %d lines: delay %v, want %v", cut, time.Duration(old.Delay()), behind)
		}
	}
}

// TestQueueOfSubjectBehind: a replay does not keep a date for each of a subject's delays, which change with every event.
func TestQueueOfSubjectBehind(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	var lines []string
	for i := range 5_000 {
		at := date(2026, 1, 1).Add(time.Duration(i)*100*time.Millisecond - time.Duration(rnd.IntN(5_000))*time.Millisecond)
		lines = append(lines, fmt.Sprintf(`{"id":"%d","time":%q,"type":"click","incident":"i%d"}`, i, at.Format(time.RFC3339Nano), i%3))
	}
	if _, r := replayedLines(t, compile(t, behindPack), lines); len(r.Queue) > 3 {
		t.Errorf("%d dates of three subjects", len(r.Queue))
	}
}

// outboxIDs are the ids of the crossings of the only shard.
func outboxIDs(t *testing.T, store *windowstore.Mem) (ids []string) {
	t.Helper()
	for n := uint64(0); ; n++ {
		values, err := store.Load(t.Context(), 0, [][]byte{store.Keys().AppendOutboxKey(nil, 0, n)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if values[0] == nil {
			return ids
		}
		e, err := outbox.ParseEntry(values[0])
		var c outbox.Envelope
		if err := errors.Join(err, json.Unmarshal(e.Value, &c)); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, c.ID)
	}
}

// TestIndexOfSubjectBehind: the index has a clear by its date and the subject's delay, and sooner once the subject has
// caught up, so that it is not noticed late.
func TestIndexOfSubjectBehind(t *testing.T) {
	r := newClearRig(t)
	views := func(incident, at string, n int) {
		t.Helper()
		r.feed.count(t, r.shard, r.lease, fmt.Sprintf(`{"id":"%s%s","time":"2026-01-02T%sZ","type":"view","incident":%q,"count":%d}`, incident, at, at, incident, n))
		r.shard.Publish()
	}
	armed := func(want string) {
		t.Helper()
		got := "none"
		if due := r.armed(); len(due) > 0 {
			got = time.Unix(due[0].Unix, 0).UTC().Format("15:04:05")
		}
		if got != want {
			t.Errorf("in the index by %s, want %s", got, want)
		}
	}
	views("Y", "02:00:00", 1)
	views("X", "01:00:00", 10)
	armed("03:01:00") // dated 02:01, and an hour behind
	views("X", "01:30:00", 1)
	armed("02:31:00")
	views("Y", "02:20:00", 1)
	views("X", "01:40:00", 1)
	armed("02:31:00") // by 02:41 is enough
	views("Y", "02:35:00", 1)
	r.sweep()
	armed("02:41:00") // it was looked at
	views("Y", "02:40:59", 1)
	r.sweep()
	armed("02:41:00")
	views("Y", "02:41:00", 1)
	r.sweep()
	armed("none")
	if got := outboxIDs(t, r.store); !slices.Equal(got, []string{"short/incident/X/1/0.8", "short/incident/X/1/1", "short/incident/X/1/0"}) {
		t.Errorf("crossings %v", got)
	}
}

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
	p := compile(t, behindPack)
	store := &armings{Mem: windowstore.NewMem(1)}
	s, l := lone(t, p, store)
	feed := newFeeder(p)
	lines := []string{clickOf("other", "12:00:00")}
	for second := range 4 {
		for i := range 200 {
			lines = append(lines, clickOf(fmt.Sprint("i", i), fmt.Sprintf("10:00:%02d", second)))
		}
		feed.count(t, s, l, lines...)
		lines = nil
	}
	if store.calls != 2 || store.members != 400 {
		t.Errorf("%d calls for %d subjects, want two for 400: at the third click, and at the fourth, a second less behind", store.calls, store.members)
	}
}

// TestForgetWaitsForDelay: a scan deletes a subject that runs behind the stream as much later.
func TestForgetWaitsForDelay(t *testing.T) {
	r := newSweepRig(t)
	r.feed.count(t, r.shard, r.lease, `{"id":"b","time":"2026-01-31T00:00:00Z","type":"click","incident":"B"}`)
	r.clicks(3) // of the first of January: thirty days behind; its window is empty on the 12th, and it is kept for a day
	r.shard.StreamTimeShared.Store(0)
	for day := 9; day <= 12; day++ {
		r.reach(day)
		r.scan()
		if there := r.keysLeft("{00}r:incident:A") == 1; there != (day < 12) {
			t.Errorf("on the %dth of February: there %v", day, there)
		}
	}
}

// TestForgetWaitsForTime: of a subject whose events were all refused the time is kept as long as the windows of others.
func TestForgetWaitsForTime(t *testing.T) {
	r := newSweepRigOf(t, `
pack: p
measures: {orders: {sum: count, types: [order]}, defied: {sum: count, types: [click], after: orders}}
rules: [{id: r, by: incident, window: 10d, step: 1d, limits: {defied: 10}}]
`)
	r.clicks(1)
	there := func() bool { return r.keysLeft("{00}r:") == 1 }
	r.shard.StreamTimeShared.Store(0)
	r.reach(-30) // the first of January, at noon or so
	if r.scan(); !there() {
		t.Error("forgotten at once")
	}
	r.reach(1)
	if r.scan(); there() {
		t.Error("kept for ever")
	}
}

// TestVerifyBehind: verify finds no difference in a store that counted a backlog which came customer by customer.
func TestVerifyBehind(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for _, partitions := range []int{1, 3} {
		t.Run(fmt.Sprint(partitions), func(t *testing.T) {
			r := newRig(t, partitions, compile(t, behindPack))
			now := time.Now().UnixMilli()
			for i, lines := range customers(rand.New(rand.NewPCG(seed, 1)), 200) {
				var events []sentEvent
				for _, line := range lines {
					events = append(events, sentEvent{value: []byte(line), millis: now})
				}
				r.send(i%partitions, events...)
			}
			v := r.nothingDiffers(t)
			if partitions == 1 && v.Open != ([verify.NumReasons]int{}) {
				t.Error("of one partition all can be compared")
			}
		})
	}
}
