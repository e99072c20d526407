package listing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics/metricstest"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// listed is what the list of a rule has, over all shards by shard, as text.
func (f *fixture) listed(rule string) string {
	f.Helper()
	var texts []string
	for shard := range fixtureShards {
		lists, err := f.mem.Rows(f.Context(), windowstore.RowsAsked{Shard: shard, Rule: rule, From: windowstore.Top(), Limit: 100})
		if err != nil {
			f.Fatal(err)
		}
		for _, r := range lists[0] {
			texts = append(texts, fmt.Sprintf("%s:%d", r.ID, r.Progress))
		}
	}
	return strings.Join(texts, " ")
}

// take gives the lister the row of an account that was written with so many sends.
func (f *fixture) take(id string, sends uint64, urgent bool) {
	f.Helper()
	n := Name{thresholds.Account, id}
	f.write(n, f.subject(n.Kind, start, sends), 1)
	if f.tickets[n] == nil {
		f.tickets[n] = &Ticket{}
	}
	if !f.lister.Take(f.shard(n), f.tickets[n], n, []Change{{Progress: 10 * sends, Listed: sends >= 100, Urgent: urgent}}) {
		f.Error("no room")
	}
}

// TestTurns: what is urgent is written with the next turn, the rest with the fourth; the last change of a row counts.
func TestTurns(t *testing.T) {
	f := newFixture(t)
	wants := func(want string) {
		t.Helper()
		if got := f.listed("sends"); got != want {
			t.Errorf("listed %s, want %s", got, want)
		}
	}
	f.take("a", 300, true)
	wants("")
	f.lister.Turn(t.Context())
	wants("a:3000")
	f.take("a", 301, false)
	f.lister.Turn(t.Context())
	wants("a:3000")
	f.take("a", 302, false)
	f.lister.Turn(t.Context())
	wants("a:3000")
	f.lister.Turn(t.Context())
	wants("a:3020")
	f.take("a", 303, false)
	f.take("a", 99, true)
	f.lister.Turn(t.Context())
	wants("")
	f.take("a", 304, false)
	f.lister.Flush(t.Context())
	wants("a:3040")
}

// TestSightsWait: sights of which there are some already wait, the row does not; what they wait for does not write the row again.
func TestSightsWait(t *testing.T) {
	f := newFixture(t)
	n := Name{thresholds.Account, "a"}
	name := windowstore.RowName{Rule: "sends", ID: []byte("a")}
	sights := func() int {
		t.Helper()
		kept, err := f.mem.Sights(t.Context(), f.shard(n), name)
		if err != nil {
			t.Fatal(err)
		}
		return len(parseSights(digestOf(f.program.Kinds[thresholds.Account].Rules[0].Rule), kept[0]))
	}
	at := start.UnixNano()
	take := func(progress uint64, urgent, soon bool) {
		t.Helper()
		at += int64(time.Hour / 10)
		f.write(n, f.subject(n.Kind, start, progress/10), 1)
		if f.tickets[n] == nil {
			f.tickets[n] = &Ticket{}
		}
		f.lister.Take(f.shard(n), f.tickets[n], n, []Change{{Progress: progress, Listed: true, Urgent: urgent, Soon: soon, Sights: []Sight{{Time: at}}}})
	}
	slow := func() {
		for range slowTurns {
			f.lister.Turn(t.Context())
		}
	}
	wants := func(listed string, n int) {
		t.Helper()
		if f.listed("sends") != listed || sights() != n {
			t.Errorf("listed %s with %d sights, want %s with %d", f.listed("sends"), sights(), listed, n)
		}
	}
	take(3000, true, false)
	f.lister.Turn(t.Context())
	wants("a:3000", 1)
	take(3001, false, true)
	slow()
	wants("a:3001", 2)
	take(3002, false, false)
	slow()
	take(3003, false, false)
	slow()
	wants("a:3003", 2)
	other := windowstore.RowChange{RowName: name, Progress: 7}
	if err := f.mem.List(t.Context(), f.shard(n), other); err != nil {
		t.Fatal(err)
	}
	for range sightsTurns {
		f.lister.Turn(t.Context())
	}
	wants("a:7", 4)
	take(3004, false, false)
	f.lister.Flush(t.Context())
	wants("a:3004", 5)
	if x := &f.lister.shards[f.shard(n)]; x.count != 0 || len(x.waiting) > 0 {
		t.Errorf("%d rows count as waiting, %d subjects wait", x.count, len(x.waiting))
	}
}

// meeting is a store in which something happens once, when rows have just been written.
type meeting struct {
	windowstore.Store
	then func()
}

func (s *meeting) List(ctx context.Context, shard int, changes ...windowstore.RowChange) error {
	err := s.Store.List(ctx, shard, changes...)
	if then := s.then; then != nil && len(changes) > 0 {
		s.then = nil
		then()
	}
	return err
}

// TestForeignWrite: what another process wrote between a commit and the writing of its rows is not lost.
func TestForeignWrite(t *testing.T) {
	f := newFixture(t)
	n := Name{thresholds.Account, "a"}
	for _, c := range []struct {
		sends uint64
		want  string
	}{{500, "a:5000"}, {50, ""}} {
		f.over(&meeting{f.mem, func() { f.write(n, f.subject(n.Kind, start, c.sends), 2) }}, 0)
		f.take("a", 300, true)
		f.lister.Turn(t.Context())
		if got := f.listed("sends"); got != c.want {
			t.Errorf("listed %s, want %s", got, c.want)
		}
	}
	f.over(&meeting{f.mem, func() { _ = f.mem.Delete(t.Context(), f.shard(n), f.key(n)) }}, 0)
	f.take("a", 300, true)
	f.lister.Turn(t.Context())
	if got := f.listed("sends"); got != "" {
		t.Errorf("listed %s of a record that is gone", got)
	}
}

// TestDoubt: a row that waits is not believed once another process has written the record, though this one writes it again.
func TestDoubt(t *testing.T) {
	f := newFixture(t)
	n := Name{thresholds.Account, "a"}
	for _, urgent := range []bool{true, false} {
		f.take("a", 500, urgent)
		f.lister.Doubt(f.shard(n), n)
		f.write(n, f.subject(n.Kind, start, 50), 1)
		for range slowTurns {
			f.lister.Turn(t.Context())
		}
		if got := f.listed("sends"); got != "" {
			t.Errorf("listed %s", got)
		}
	}
	if x := &f.lister.shards[f.shard(n)]; len(x.doubted)+len(x.written)+len(x.waiting) > 0 {
		t.Errorf("%v in doubt, %v written, %v waiting", x.doubted, x.written, x.waiting)
	}
	f.take("a", 500, true)
	f.lister.Turn(t.Context())
	f.lister.Doubt(f.shard(n), n) // nothing of it is on its way
	f.lister.Turn(t.Context())
	if f.listed("sends") != "a:5000" || len(f.lister.shards[f.shard(n)].doubted) > 0 {
		t.Errorf("listed %s, in doubt %v", f.listed("sends"), f.lister.shards[f.shard(n)].doubted)
	}
}

// failing is a store whose lists cannot be written.
type failing struct{ windowstore.Store }

var errCut = errors.New("connection cut by the test")

func (failing) List(context.Context, int, ...windowstore.RowChange) error { return errCut }

// TestWaits: what cannot be written waits, in bounds.
func TestWaits(t *testing.T) {
	f := newFixture(t)
	f.over(failing{f.mem}, 0)
	f.take("a", 300, true)
	f.lister.Turn(t.Context())
	if n := metricstest.Value(f.metrics.Calls.Errors.WithLabelValues("list", "other")); n != 1 {
		t.Errorf("%v errors by the metric", n)
	}
	f.lister.store = f.mem
	f.lister.Turn(t.Context())
	if got := f.listed("sends"); got != "a:3000" {
		t.Errorf("listed %s", got)
	}
	give := func(i int) bool {
		n := Name{thresholds.Account, fmt.Sprint(i)}
		once := f.lister.Take(0, &Ticket{}, n, []Change{{}})
		return once && f.lister.Take(0, &Ticket{}, n, []Change{{}})
	}
	room := func() (some int) {
		for some < waitingMost && give(some) {
			some++
		}
		return some
	}
	if some := room(); some != waitingMost/2 {
		t.Errorf("room for %d subjects, each given twice", some)
	}
	f.lister.turn(t.Context(), urgentRows, 0) // they are put together, and none is urgent
	if some := room(); some != waitingMost/4 {
		t.Errorf("room for %d subjects more", some)
	}
	f.lister.Flush(t.Context())
	if some := room(); some != waitingMost/2 {
		t.Errorf("room for %d subjects after all was written", some)
	}
}

// TestCut: of a full list the nearest stay.
func TestCut(t *testing.T) {
	f := newFixture(t)
	f.over(f.mem, 3)
	var ids []string
	for i := 0; len(ids) < 6; i++ { // all of one shard
		if id := fmt.Sprint(i); f.shard(Name{thresholds.Account, id}) == 0 {
			ids = append(ids, id)
		}
	}
	wants := func(of ...int) {
		t.Helper()
		f.lister.Flush(t.Context())
		var texts []string
		for _, i := range of {
			texts = append(texts, fmt.Sprintf("%s:%d", ids[i], 1000*(i+1)))
		}
		if got, want := f.listed("sends"), strings.Join(texts, " "); got != want {
			t.Errorf("listed %s, want %s", got, want)
		}
	}
	put := func(i int) { f.take(ids[i], uint64(100*(i+1)), true) }
	for _, i := range []int{1, 5, 0, 3} {
		put(i)
	}
	wants(5, 3, 1)
	put(0)
	wants(5, 3, 1)
	put(2)
	wants(5, 3, 2)
	put(4)
	wants(5, 4, 3)
	f.take(ids[5], 1, true)
	put(0)
	f.lister.Flush(t.Context())
	put(0)
	wants(4, 3, 0)
	if n := metricstest.Value(f.metrics.Lists.CutTotal); n < 3 {
		t.Errorf("%v cut by the metric", n)
	}
}

// TestRoom: a list with much room is not looked at each time a row comes, and does not grow beyond its bound all the same.
func TestRoom(t *testing.T) {
	f := newFixture(t)
	s := &counting{Store: f.mem}
	f.over(s, 800)
	f.lister.Alone.Store(true)
	listed, id := 0, 0
	some := func(n int) {
		t.Helper()
		for ; n > 0; id++ {
			if f.shard(Name{thresholds.Account, fmt.Sprint(id)}) == 0 {
				f.take(fmt.Sprint(id), 500, true)
				n--
			}
		}
		f.lister.Turn(t.Context())
		counts, err := f.mem.CountRows(t.Context(), windowstore.RowsCounted{Rule: "sends"})
		if err != nil {
			t.Fatal(err)
		}
		listed = counts[0]
	}
	for range 6 {
		some(10)
	}
	if listed != 60 || s.calls != 1 {
		t.Errorf("%d rows listed, looked at %d times", listed, s.calls)
	}
	some(400)
	for range 50 {
		if some(10); listed > 800 {
			t.Errorf("%d rows listed", listed)
		}
	}
	if listed != 800 {
		t.Errorf("%d rows listed", listed)
	}
}

// TestCounts: how many have reached what, and what the metric says of it.
func TestCounts(t *testing.T) {
	f := newFixture(t)
	for i, sends := range []uint64{100, 799, 800, 1000, 5000} {
		f.put(thresholds.Account, fmt.Sprint(i), sends)
	}
	f.put(thresholds.Incident, "a", 500)
	counts, err := f.reader.Counts(t.Context(), 5000, 10_000)
	if want := "map[clicks:[0 0] sends:[4 2] views:[1 0]]"; err != nil || fmt.Sprint(counts) != want {
		t.Errorf("got %v, error %v, want %s", counts, err, want)
	}
	f.lister.Turn(t.Context())
	for level, want := range map[string]float64{"0": 2, "0.8": 1, "1": 2} {
		if got := metricstest.Value(f.metrics.Lists.Subjects.WithLabelValues("sends", level)); got != want {
			t.Errorf("level %s: %v, want %v", level, got, want)
		}
	}
}

// TestWalk: what should not be listed goes, what is shown wrong is put right, and lists of rules that are gone are deleted.
func TestWalk(t *testing.T) {
	f := newFixture(t)
	n := Name{thresholds.Account, "a"}
	f.put(n.Kind, n.ID, 500)
	list := func(rule, id string, progress uint64) {
		t.Helper()
		c := windowstore.RowChange{RowName: windowstore.RowName{Rule: rule, ID: []byte(id)}, Progress: progress}
		if err := f.mem.List(t.Context(), f.shard(n), c); err != nil {
			t.Fatal(err)
		}
	}
	list("sends", "a", 100)
	list("gone", "a", 5000)
	for i := range 2*walkStep + 1 {
		list("sends", fmt.Sprint("nobody", i), uint64(i))
	}
	rests := 0
	if err := f.lister.Walk(t.Context(), f.shard(n), func() { rests++ }); err != nil || rests < 2 {
		t.Errorf("%d rests, error %v", rests, err)
	}
	rules, err := f.mem.Lists(t.Context(), f.shard(n))
	if got := f.listed("sends"); got != "a:5000" || err != nil || strings.Join(rules, " ") != "sends" {
		t.Errorf("listed %s, lists %s, error %v", got, rules, err)
	}
	if err := Drop(t.Context(), f.mem, f.shard(n)); err != nil || f.listed("sends") != "" {
		t.Errorf("listed %s, error %v", f.listed("sends"), err)
	}
}

// stepping is a store whose sights take two steps to look through.
type stepping struct {
	windowstore.Store
	steps []string
}

func (s *stepping) DropStrays(_ context.Context, shard int, rule string, from uint64) (uint64, error) {
	s.steps = append(s.steps, fmt.Sprint(shard, rule, from))
	return (from + 5) % 10, nil
}

// TestWalkStrays: a walk looks for sights of rows that are gone.
func TestWalkStrays(t *testing.T) {
	f := newFixture(t)
	f.put(thresholds.Account, "a", 500)
	s := &stepping{Store: f.mem}
	f.over(s, 0)
	shard := f.shard(Name{thresholds.Account, "a"})
	if err := f.lister.Walk(t.Context(), shard, func() {}); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(s.steps), fmt.Sprintf("[%dsends0 %dsends5]", shard, shard); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestForgotten: of a subject that was forgotten nothing that waits is written.
func TestForgotten(t *testing.T) {
	f := newFixture(t)
	n := Name{thresholds.Account, "a"}
	f.put(n.Kind, n.ID, 500)
	f.take("a", 600, true)
	if err := f.mem.Delete(t.Context(), f.shard(n), f.key(n)); err != nil {
		t.Fatal(err)
	}
	if err := f.lister.Forgotten(t.Context(), f.shard(n), []Name{n}); err != nil {
		t.Fatal(err)
	}
	if f.listed("sends") != "" || len(f.lister.shards[f.shard(n)].waiting) > 0 {
		t.Errorf("listed %s, %d wait", f.listed("sends"), len(f.lister.shards[f.shard(n)].waiting))
	}
}
