package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect/inspecttest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/janitor"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// scanner is a sweeper that owns these shards and looks at one record at a time.
func scanner(o *shard.Options, shards ...*shard.Shard) *janitor.Janitor {
	return &janitor.Janitor{
		Options: o, Shards: shards, Owned: func(int) bool { return true },
		Step: 1, Rest: func(context.Context, time.Duration) {}, Recompute: 1 << 30, Armed: make([]int, len(shards)),
	}
}

// sweepPack clears after ten days.
const sweepPack = `
pack: p
measures: {clicks: {sum: count, types: [click]}}
rules: [{id: r, by: incident, window: 10d, step: 1d, limits: {clicks: 10}, clear: 0.5}]
`

// sweepRig is a shard that has counted some clicks of incident A on 1 January.
type sweepRig struct {
	t     *testing.T
	store *windowstore.Mem
	shard *shard.Shard
	lease *shard.Assignment
	feed  *feeder
}

func newSweepRig(t *testing.T) *sweepRig { return newSweepRigOf(t, sweepPack) }

func newSweepRigOf(t *testing.T, pack string) *sweepRig {
	p := compile(t, pack)
	r := &sweepRig{t: t, store: windowstore.NewMem(2), feed: newFeeder(p)}
	r.shard, r.lease = lone(t, p, r.store)
	return r
}

func (r *sweepRig) clicks(n int) {
	r.t.Helper()
	line := fmt.Sprintf(`{"id":"%d","time":"2026-01-01T00:00:00Z","type":"click","incident":"A","count":%d}`, n, n)
	r.feed.count(r.t, r.shard, r.lease, line)
}

// reach has the stored fence say that the stream has reached a day of February, or, not above 0, of January before it.
func (r *sweepRig) reach(day int) {
	m := position.Position{Offset: 700, Newest: time.Date(2026, 2, day, 0, 0, 0, 0, time.UTC).UnixNano(), Clock: engine.NoTime}
	if err := r.store.Put(r.t.Context(), 0, r.shard.Standing(0).Key, m.AppendFence(make([]byte, 0, position.FenceSize), 0)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *sweepRig) scan() {
	w := scanner(r.shard.Options, r.shard)
	if err := w.Scan(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

// stored reports whether the counts of A are what they were.
func (r *sweepRig) stored(value int) bool {
	there := false
	err := inspecttest.Counts(r.t.Context(), r.shard.Program, r.store, 1, func(line []byte) bool {
		there = strings.Contains(string(line), fmt.Sprintf(`"value":%d,`, value))
		return true
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return there
}

// armed is the index of armed subjects.
func (r *sweepRig) armed() []windowstore.Due {
	due, err := r.store.Armed(r.t.Context(), 0, 1<<40, janitor.SweepMost)
	if err != nil {
		r.t.Fatal(err)
	}
	return due
}

// TestForgetWaitsForClear: a scan comes before the sweep that would have ended an episode.
func TestForgetWaitsForClear(t *testing.T) {
	r := newSweepRig(t)
	r.clicks(10)
	r.reach(20)
	r.shard.StreamTimeShared.Store(0)
	r.scan()
	if !r.stored(10) || len(r.armed()) != 1 {
		t.Fatal("forgotten though its episode has not ended")
	}
}

// TestScanArmsWhatCanClear: an episode that no rule can end has no place in the index, where it would stand before others.
func TestScanArmsWhatCanClear(t *testing.T) {
	f := func(pack string, want int) {
		t.Helper()
		r := newSweepRigOf(t, pack)
		r.clicks(10)
		if err := r.store.Disarm(t.Context(), 0, r.store.Keys().AppendMember(nil, "incident", []byte("A"))); err != nil {
			t.Fatal(err)
		}
		r.reach(-29) // the window still holds the clicks
		r.shard.StreamTimeShared.Store(0)
		if r.scan(); len(r.armed()) != want {
			t.Errorf("%d subjects armed, want %d", len(r.armed()), want)
		}
	}
	f(sweepPack, 1)
	f(strings.Replace(sweepPack, ", clear: 0.5", "", 1), 0)
}

// clearRig is a sweepRig with one sweeper, and two rules: views of an incident clear within the hour, clicks not for long.
type clearRig struct {
	*sweepRig
	sweeper *janitor.Janitor
}

func newClearRig(t *testing.T) *clearRig {
	r := newSweepRigOf(t, `
pack: p
measures: {clicks: {sum: count, types: [click]}, views: {sum: count, types: [view]}}
rules:
  - {id: long, by: incident, window: 730d, step: 1d, limits: {clicks: 10}, clear: 0.4}
  - {id: short, by: incident, window: 1h, step: 1m, limits: {views: 10}, clear: 0.4}
`)
	w := scanner(r.shard.Options, r.shard)
	w.In = []chan shard.Message{make(chan shard.Message, 1)}
	return &clearRig{r, w}
}

// count counts so many events of a type of an incident, at an hour of 2 January.
func (r *clearRig) count(kind, incident string, hour, n int) {
	r.t.Helper()
	r.feed.count(r.t, r.shard, r.lease, fmt.Sprintf(`{"id":"%s%d","time":"2026-01-02T%02d:00:00Z","type":%q,"incident":%q,"count":%d}`, incident, hour, hour, kind, incident, n))
	r.shard.Publish()
}

func (r *clearRig) scan() {
	if err := r.sweeper.Scan(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

func (r *clearRig) sweep() {
	if r.sweeper.Clears(r.t.Context()); len(r.sweeper.In[0]) == 0 {
		return
	}
	if err := r.shard.Handle(r.t.Context(), <-r.sweeper.In[0]); err != nil {
		r.t.Fatal(err)
	}
	r.shard.Publish()
}

// due is how many subjects a sweep would look at, were there no bound.
func (r *clearRig) due() int {
	all, err := r.store.Armed(r.t.Context(), 0, engine.Seconds(r.shard.StreamTime()), 1e6)
	if err != nil {
		r.t.Fatal(err)
	}
	return len(all)
}

// TestScanLeavesDates: of what is in the index a scan has no more dates worked out again than it may, except for the first of a
// process; and even then a clear that is due does not wait for those that are not.
func TestScanLeavesDates(t *testing.T) {
	const silent = 3 * janitor.SweepMost
	r := newClearRig(t)
	r.sweeper.Recompute = 0
	episode := func() uint64 { return r.shard.Entry(0, "X").RuleState(1).Episode }

	for i := range silent {
		r.count("click", fmt.Sprint("silent", i), 0, 10)
	}
	r.count("view", "X", 1, 10)
	r.count("view", "Y", 4, 1)
	if r.scan(); r.due() != silent+1 {
		t.Fatalf("%d subjects are to be looked at after the first scan, want all %d", r.due(), silent+1)
	}
	if r.sweep(); episode() != 2 {
		t.Error("the clear waits for those that are not due")
	}
	for range silent / janitor.SweepMost {
		r.sweep()
	}
	r.count("view", "X", 5, 10)
	r.count("view", "Y", 8, 1)
	r.scan()
	if n := r.due(); n != 1 {
		t.Errorf("%d subjects are to be looked at after the second scan, want the one that is due", n)
	}
	if r.sweep(); episode() != 3 {
		t.Error("not cleared")
	}
	r.sweeper.Recompute = silent / 2
	r.scan()
	if n := r.due(); n < silent/4 || n > silent*3/4 {
		t.Errorf("%d subjects are to be looked at, want about half of %d", n, silent)
	}
}

// meanwhile is a store that does something else before the first commit, or before the first member leaves the index.
type meanwhile struct {
	*windowstore.Mem
	commits, disarms func()
}

func (s *meanwhile) Commit(ctx context.Context, shard int, c *windowstore.Commit) (windowstore.Result, error) {
	once(&s.commits)
	return s.Mem.Commit(ctx, shard, c)
}

func (s *meanwhile) Disarm(ctx context.Context, shard int, members ...[]byte) error {
	once(&s.disarms)
	return s.Mem.Disarm(ctx, shard, members...)
}

// once calls what f points to, if there is something, and forgets it.
func once(f *func()) {
	if then := *f; then != nil {
		*f = nil
		then()
	}
}

// TestDisarmedLate: one process ends an episode by an event; before it takes the subject out of the index, another has brought
// it over the limit again.
func TestDisarmedLate(t *testing.T) {
	p := compile(t, sweepPack)
	mem := windowstore.NewMem(1)
	store := &meanwhile{Mem: mem}
	a, la := oneOf(t, p, store, 2, 0)
	b, lb := oneOf(t, p, mem, 2, 1)
	of, ofOther := newFeeder(p), newFeeder(p)
	of.count(t, a, la, `{"id":"1","time":"2026-01-01T00:00:00Z","type":"click","incident":"A","count":10}`)
	store.disarms = func() {
		ofOther.count(t, b, lb, `{"id":"3","time":"2026-03-01T00:00:00Z","type":"click","incident":"A","count":10}`)
	}
	of.count(t, a, la, `{"id":"2","time":"2026-03-01T00:00:00Z","type":"click","incident":"A","count":1}`)
	due, err := mem.Armed(t.Context(), 0, 1<<40, 10)
	if err != nil || store.disarms != nil || len(due) != 1 {
		t.Errorf("%d subjects in the index, error %v", len(due), err)
	}
}

// lacking is a store of which one shard cannot be reached.
type lacking struct {
	*windowstore.Mem
	shard int
}

func (s *lacking) Armed(ctx context.Context, shard int, upTo int64, limit int) ([]windowstore.Due, error) {
	if shard == s.shard {
		return nil, errors.New("cut")
	}
	return s.Mem.Armed(ctx, shard, upTo, limit)
}

// TestClearsOfOthers: a shard whose index cannot be read keeps no other from its clears.
func TestClearsOfOthers(t *testing.T) {
	r := newSweepRig(t)
	r.clicks(10)
	r.reach(20)
	w := r.twoShards("A")
	if err := r.store.Arm(t.Context(), 1, windowstore.Due{Member: r.store.Keys().AppendMember(nil, "incident", []byte("A"))}); err != nil {
		t.Fatal(err)
	}
	o := *r.shard.Options
	o.Store = &lacking{r.store, 0}
	w.Options = &o
	w.In = []chan shard.Message{make(chan shard.Message, 1), make(chan shard.Message, 1)}
	w.Clears(t.Context())
	if first, second := len(w.In[0]), len(w.In[1]); first != 0 || second != 1 {
		t.Errorf("%d and %d messages", first, second)
	}
}

// TestForgetByStoredFences: the store went back; what the shard had reached before is not
// what is stored.
func TestForgetByStoredFences(t *testing.T) {
	r := newSweepRig(t)
	r.clicks(1)
	r.shard.StreamTimeShared.Store(time.Date(2026, 2, 20, 0, 0, 0, 0, time.UTC).UnixNano())
	if r.scan(); !r.stored(1) {
		t.Fatal("forgotten though the stored fence is not so far")
	}
	r.reach(20)
	if r.scan(); r.stored(1) {
		t.Fatal("not forgotten")
	}
	if n := told(r.shard.Metrics.Forgot); n != 1 {
		t.Fatalf("%v subjects forgotten, as told", n)
	}
}

// TestSweepReadsAgain: a process that sweeps has a subject in memory that another
// has brought over a level since.
func TestSweepReadsAgain(t *testing.T) {
	r := newSweepRig(t)
	other := shard.New(0, r.shard.Options)
	member := []windowstore.Due{{Member: r.store.Keys().AppendMember(nil, "incident", []byte("A"))}}
	sweep := func() {
		if err := other.Sweep(t.Context(), member); err != nil {
			t.Fatal(err)
		}
	}
	r.clicks(1)
	if sweep(); len(r.armed()) != 0 {
		t.Fatal("armed without a level")
	}
	r.clicks(10)
	if sweep(); len(r.armed()) != 1 {
		t.Fatal("taken out of the index by an old record")
	}
	r.reach(20)
	if sweep(); other.Entry(0, "A").RuleState(0).Episode != 2 {
		t.Fatal("not cleared")
	}
}

// between does something after the first read of a key with a text in it.
type between struct {
	*windowstore.Mem
	of   string
	then func()
}

func (s *between) Load(ctx context.Context, shard int, keys, dst [][]byte) ([][]byte, error) {
	values, err := s.Mem.Load(ctx, shard, keys, dst)
	if bytes.Contains(keys[0], []byte(s.of)) {
		once(&s.then)
	}
	return values, err
}

// daily has a shard count ten clicks of incident A on each of five days, and returns what does so on the next one.
func daily(t *testing.T, s *shard.Shard, l *shard.Assignment, f *feeder) (click func()) {
	day := 0
	click = func() {
		day++
		f.count(t, s, l, fmt.Sprintf(`{"id":"d%d","time":"2026-01-%02dT00:00:00Z","type":"click","incident":"A","count":10}`, day, day))
	}
	for range 5 {
		click()
	}
	return click
}

// TestSweepWithoutALease: another process writes a subject while it is read for a sweep, by a shard that stands nowhere.
func TestSweepWithoutALease(t *testing.T) {
	r := newSweepRig(t)
	r.shard.Program.Kinds[0].Layout.Sizes = windows.Sizes{Inline: 20, Chunk: 128, History: 1}
	click := daily(t, r.shard, r.lease, r.feed)
	o := *r.shard.Options
	o.Store = &between{r.store, "r:", click}
	if err := shard.New(0, &o).Sweep(t.Context(), []windowstore.Due{{Member: r.store.Keys().AppendMember(nil, "incident", []byte("A"))}}); err != nil {
		t.Fatal(err)
	}
}

// TestSweepMeetsWrite: a subject, with a history of its own, is written by another process while a sweep clears it. It is as that process
// left it, and clears later.
func TestSweepMeetsWrite(t *testing.T) {
	p := compile(t, sweepPack)
	for i := range p.Kinds {
		p.Kinds[i].Layout.Sizes = windows.Sizes{Inline: 20, Chunk: 128, History: 1}
	}
	mem := windowstore.NewMem(1)
	b, lb := oneOf(t, p, mem, 2, 1)
	fb := newFeeder(p)
	click := daily(t, b, lb, fb)
	store := &meanwhile{Mem: mem}
	a, la := oneOf(t, p, store, 2, 0)
	newFeeder(p).count(t, a, la, `{"id":"z","time":"2026-02-20T00:00:00Z","type":"click","incident":"Z"}`)

	// For the sweep the other partition is as far, and then it is not.
	key := a.Standing(1).Key
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
	put(position.Position{Offset: fb.offset, Newest: time.Date(2026, 2, 20, 0, 0, 0, 0, time.UTC).UnixNano(), Clock: engine.NoTime}.AppendFence(nil, 0))
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
	err = inspecttest.Counts(t.Context(), p, mem, 1, func(line []byte) bool {
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

// twoShards puts what the rig's shard has of incident A, and its fence, into a second one too, both under these ids.
func (r *sweepRig) twoShards(ids ...string) *janitor.Janitor {
	r.t.Helper()
	k, p := r.shard.Keys, r.shard.Partitions[0]
	fence := func(shard int) []byte { return k.AppendFenceKey(nil, shard, p.Topic, p.Partition) }
	record := func(shard int, id string) []byte { return k.AppendRecordKey(nil, shard, "incident", []byte(id)) }
	values, err := r.store.Load(r.t.Context(), 0, [][]byte{record(0, "A"), fence(0)}, nil)
	if err == nil {
		err = r.store.Put(r.t.Context(), 1, fence(1), values[1])
	}
	for shard := range 2 {
		for _, id := range ids {
			err = errors.Join(err, r.store.Put(r.t.Context(), shard, record(shard, id), values[0]))
		}
	}
	if err != nil {
		r.t.Fatal(err)
	}
	w := scanner(r.shard.Options, shard.New(0, r.shard.Options), shard.New(1, r.shard.Options))
	for _, s := range w.Shards {
		s.StreamTimeShared.Store(0)
	}
	return w
}

// records are the ids of the incidents stored in a shard, in order.
func (r *sweepRig) records(shard int) string {
	var ids []string
	err := r.store.ScanRecords(r.t.Context(), func(n int, key []byte) bool {
		if _, _, id, _ := r.store.Keys().ParseRecordKey(key); n == shard {
			ids = append(ids, string(id))
		}
		return true
	}, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// TestScanGoesOn: a record that cannot be looked at keeps no other from being forgotten, and is told. After each step, and after each look at what is left of them, the scan rests.
func TestScanGoesOn(t *testing.T) {
	f := func(step, rests int) {
		t.Helper()
		r := newSweepRig(t)
		r.clicks(1)
		r.reach(20)
		w := r.twoShards("A", "B", "C")
		if err := r.store.Put(t.Context(), 0, r.store.Keys().AppendRecordKey(nil, 0, "incident", []byte("B")), []byte("damaged")); err != nil {
			t.Fatal(err)
		}
		rested := 0
		w.Step, w.Rest = step, func(context.Context, time.Duration) { rested++ }
		if err := w.Scan(t.Context()); err == nil {
			t.Error("the damaged record is not told")
		}
		if first, second := r.records(0), r.records(1); first != "B" || second != "" {
			t.Errorf("left are %q and %q", first, second)
		}
		if n := told(r.shard.Metrics.Forgot); n != 5 || rested != rests {
			t.Errorf("%v subjects forgotten, as told, with %d rests", n, rested)
		}
	}
	f(1, 2)
	f(2, 4)
	f(200, 4)
}

// TestForgetAtOnce: of many records that go in one step one is written meanwhile: it stays, the others go.
func TestForgetAtOnce(t *testing.T) {
	r := newSweepRig(t)
	r.clicks(1)
	r.reach(20)
	w := r.twoShards("A", "B", "C")
	o := *r.shard.Options
	o.Store = &hasty{Mem: r.store, key: r.store.Keys().AppendRecordKey(nil, 1, "incident", []byte("B"))}
	w.Options, w.Step = &o, 200
	if err := w.Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	if first, second := r.records(0), r.records(1); first != "" || second != "B" {
		t.Errorf("left are %q and %q", first, second)
	}
	if n := told(r.shard.Metrics.Forgot); n != 5 {
		t.Errorf("%v subjects forgotten, as told", n)
	}
}

// hasty is a store in which another process writes a record just before the first commit that would delete it.
type hasty struct {
	*windowstore.Mem
	key []byte
}

func (s *hasty) Commit(ctx context.Context, shard int, c *windowstore.Commit) (windowstore.Result, error) {
	if s.key != nil && slices.ContainsFunc(c.Deletes, func(key []byte) bool { return bytes.Equal(key, s.key) }) {
		if err := s.Put(ctx, shard, s.key, []byte("another version")); err != nil {
			return windowstore.Result{}, err
		}
		s.key = nil
	}
	return s.Mem.Commit(ctx, shard, c)
}
