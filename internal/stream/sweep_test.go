package stream

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// sweepPack clears after ten days.
const sweepPack = `
pack: p
measures: {clicks: {sum: count, types: [click]}}
rules: [{id: r, by: incident, window: 10d, step: 1d, limits: {clicks: 10}, clear: 0.5}]
`

// sweepRig is a shard that has counted some clicks of incident A on 1 January.
type sweepRig struct {
	t     *testing.T
	store *windows.Mem
	shard *shard
	lease *lease
	feed  *feeder
}

func newSweepRig(t *testing.T) *sweepRig { return newSweepRigOf(t, sweepPack) }

func newSweepRigOf(t *testing.T, pack string) *sweepRig {
	p := compile(t, pack)
	r := &sweepRig{t: t, store: windows.NewMem(2), feed: &feeder{in: newIntake(p, Secret{}, Intake{})}}
	r.shard, r.lease = lone(t, p, r.store)
	return r
}

func (r *sweepRig) clicks(n int) {
	r.t.Helper()
	line := fmt.Sprintf(`{"id":"%d","time":"2026-01-01T00:00:00Z","type":"click","incident":"A","count":%d}`, n, n)
	if err := r.shard.take(r.t.Context(), r.lease, r.feed.run(r.t, []string{line})); err != nil {
		r.t.Fatal(err)
	}
	if err := r.shard.commit(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

// reach has the stored fence say that the stream has reached a day of February, or, not above 0, of January before it.
func (r *sweepRig) reach(day int) {
	m := mark{offset: 700, newest: time.Date(2026, 2, day, 0, 0, 0, 0, time.UTC).UnixNano(), clock: noTime}
	if err := r.store.Put(r.t.Context(), 0, r.shard.places[0].key, m.appendFence(make([]byte, 0, fenceSize), 0)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *sweepRig) scan() {
	w := &sweeper{shardOptions: r.shard.shardOptions, shards: []*shard{r.shard}, owned: func(int) bool { return true }}
	if err := w.scan(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

// stored says whether the counts of A are what they were.
func (r *sweepRig) stored(value int) bool {
	there := false
	err := r.shard.program.StoredCounts(r.t.Context(), r.store, 1, func(line []byte) bool {
		there = strings.Contains(string(line), fmt.Sprintf(`"value":%d,`, value))
		return true
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return there
}

// armed is the index of armed subjects.
func (r *sweepRig) armed() []windows.Due {
	due, err := r.store.Armed(r.t.Context(), 0, 1<<40, sweepMost)
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
	r.shard.reached.Store(0)
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
		r.shard.reached.Store(0)
		if r.scan(); len(r.armed()) != want {
			t.Errorf("%d subjects armed, want %d", len(r.armed()), want)
		}
	}
	f(sweepPack, 1)
	f(strings.Replace(sweepPack, ", clear: 0.5", "", 1), 0)
}

// TestForgetByStoredFences: the store went back; what the shard had reached before is not
// what is stored.
func TestForgetByStoredFences(t *testing.T) {
	r := newSweepRig(t)
	r.clicks(1)
	r.shard.reached.Store(time.Date(2026, 2, 20, 0, 0, 0, 0, time.UTC).UnixNano())
	if r.scan(); !r.stored(1) {
		t.Fatal("forgotten though the stored fence is not so far")
	}
	r.reach(20)
	if r.scan(); r.stored(1) {
		t.Fatal("not forgotten")
	}
	if n := told(r.shard.metrics.forgot); n != 1 {
		t.Fatalf("%v subjects forgotten, as told", n)
	}
}

// TestSweepReadsAgain: a process that sweeps has a subject in memory that another
// has brought over a level since.
func TestSweepReadsAgain(t *testing.T) {
	r := newSweepRig(t)
	other := newShard(0, r.shard.shardOptions)
	member := []windows.Due{{Member: r.store.Keys().AppendMember(nil, "incident", []byte("A"))}}
	sweep := func() {
		if err := other.sweep(t.Context(), member); err != nil {
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
	if sweep(); other.subjects[string(other.nameOf(0, []byte("A")))].Mark(0).Episode != 2 {
		t.Fatal("not cleared")
	}
}

// between does something after the first read of a key with a text in it.
type between struct {
	*windows.Mem
	of   string
	then func()
}

func (s *between) Load(ctx context.Context, shard int, keys, dst [][]byte) ([][]byte, error) {
	values, err := s.Mem.Load(ctx, shard, keys, dst)
	if f := s.then; f != nil && bytes.Contains(keys[0], []byte(s.of)) {
		s.then = nil
		f()
	}
	return values, err
}

// TestSweepWithoutALease: another process writes a subject while it is read for a sweep, by a shard that stands nowhere.
func TestSweepWithoutALease(t *testing.T) {
	r := newSweepRig(t)
	r.shard.program.kinds[0].layout.SetPieces(20, 128, 1)
	day := 0
	click := func() {
		day++
		line := fmt.Sprintf(`{"id":"d%d","time":"2026-01-%02dT00:00:00Z","type":"click","incident":"A","count":10}`, day, day)
		if err := r.shard.take(t.Context(), r.lease, r.feed.run(t, []string{line})); err != nil {
			t.Fatal(err)
		}
		if err := r.shard.commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		click()
	}
	o := *r.shard.shardOptions
	o.store = &between{r.store, "r:", click}
	if err := newShard(0, &o).sweep(t.Context(), []windows.Due{{Member: r.store.Keys().AppendMember(nil, "incident", []byte("A"))}}); err != nil {
		t.Fatal(err)
	}
}

// TestScanGoesOn: a shard that cannot be looked at does not keep the next one from being scanned, and is told.
func TestScanGoesOn(t *testing.T) {
	r := newSweepRig(t)
	r.clicks(1)
	r.reach(20)
	o := *r.shard.shardOptions
	k := o.keys
	copied := func(key func(shard int) []byte) {
		values, err := r.store.Load(t.Context(), 0, [][]byte{key(0)}, nil)
		if err == nil {
			err = r.store.Put(t.Context(), 1, key(1), values[0])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	record := func(shard int) []byte { return k.AppendRecordKey(nil, shard, "incident", []byte("A")) }
	copied(record)
	copied(func(shard int) []byte { return k.AppendFenceKey(nil, shard, o.partitions[0].topic, o.partitions[0].partition) })
	if err := r.store.Put(t.Context(), 0, record(0), []byte("damaged")); err != nil {
		t.Fatal(err)
	}
	w := &sweeper{shardOptions: &o, shards: []*shard{newShard(0, &o), newShard(1, &o)}, owned: func(int) bool { return true }}
	for _, s := range w.shards {
		s.reached.Store(0)
	}
	if err := w.scan(t.Context()); err == nil {
		t.Error("the damaged record is not told")
	}
	if values, err := r.store.Load(t.Context(), 1, [][]byte{record(1)}, nil); err != nil || values[0] != nil {
		t.Errorf("the second shard was not scanned, error %v", err)
	}
}
