package listing

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// pack has two rules of incidents and one of accounts, each of one counter.
const pack = `
pack: p
measures:
  clicks: {sum: count, types: [click]}
  views: {sum: count, types: [view]}
  sends: {sum: count, types: [send]}
rules:
  - {id: views, by: incident, window: 10d, step: 1d, limits: {views: 1000}}
  - {id: sends, by: account, window: 10d, step: 1d, limits: {sends: 1000}}
  - {id: clicks, by: incident, window: 10d, step: 1d, limits: {clicks: 1000}, levels: [0.05, 0.8, 1]}
`

// fixtureShards is how many shards a fixture has.
const fixtureShards = 4

// start is the time of subjects.
var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// fixture is a store in which subjects are put without anybody who counts.
type fixture struct {
	*testing.T
	mem     *windowstore.Mem
	program *engine.Program
	lister  *Lister
	reader  *Reader
	metrics *metrics.Metrics
	version byte
	tickets map[Name]*Ticket
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{T: t, mem: windowstore.NewMem(fixtureShards), program: enginetest.Compile(t, pack)}
	f.over(f.mem, 0)
	return f
}

// over gives the fixture a lister and a reader over a store.
func (f *fixture) over(store windowstore.Store, most int) {
	f.tickets = map[Name]*Ticket{}
	f.metrics = metrics.New(prometheus.NewRegistry(), f.program)
	f.lister = New(Options{Program: f.program, Store: store, Shards: fixtureShards, Writer: 1, Most: most, Metrics: f.metrics.Lists, Calls: f.metrics.Calls})
	f.reader = &Reader{Program: f.program, Store: store, Shards: fixtureShards}
}

// subject is a subject at a time, with values of the counters of its kind, by number.
func (f *fixture) subject(kind thresholds.Kind, at time.Time, values ...uint64) *windows.Subject {
	s := windows.NewSubject(&f.program.Kinds[kind].Layout)
	s.Touch(at.UnixNano())
	s.Advance(at.UnixNano())
	for i, v := range values {
		if v > 0 {
			s.Add(i, at.UnixNano(), 0, v)
		}
	}
	return s
}

// write writes the record of a subject, as the process of a number.
func (f *fixture) write(n Name, s *windows.Subject, writer uint64) {
	f.Helper()
	f.version++
	record := s.AppendRecord(nil, [windows.VersionSize]byte{f.version}, writer)
	if err := f.mem.Put(f.Context(), f.shard(n), f.key(n), record); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) shard(n Name) int {
	return windowstore.ShardOf(n.Kind.String(), []byte(n.ID), fixtureShards)
}

func (f *fixture) key(n Name) []byte {
	return f.mem.Keys().AppendRecordKey(nil, f.shard(n), n.Kind.String(), []byte(n.ID))
}

// put writes a subject with these values at the start, and lists it.
func (f *fixture) put(kind thresholds.Kind, id string, values ...uint64) {
	f.Helper()
	f.putAt(start, kind, id, values...)
}

func (f *fixture) putAt(at time.Time, kind thresholds.Kind, id string, values ...uint64) {
	f.Helper()
	n := Name{kind, id}
	f.write(n, f.subject(kind, at, values...), 1)
	if err := f.lister.Remake(f.Context(), f.shard(n), []Name{n}); err != nil {
		f.Fatal(err)
	}
}

// standings is where a subject is with every rule of its kind.
func (f *fixture) standings(n Name) []inspect.Standing {
	f.Helper()
	r := inspect.Reader{Program: f.program, Store: f.mem, Shards: fixtureShards}
	d, err := r.Detail(f.Context(), n.Kind, n.ID)
	if err != nil {
		f.Fatal(err)
	}
	if d == nil {
		return nil
	}
	return d.Standings
}

// counting is a store that counts which keys are read.
type counting struct {
	windowstore.Store
	keys, rows, calls, sights int
}

func (s *counting) Load(ctx context.Context, shard int, keys, dst [][]byte) ([][]byte, error) {
	s.keys += len(keys)
	s.calls++
	return s.Store.Load(ctx, shard, keys, dst)
}

func (s *counting) Rows(ctx context.Context, asked ...windowstore.RowsAsked) ([][]windowstore.Row, error) {
	lists, err := s.Store.Rows(ctx, asked...)
	for _, l := range lists {
		s.rows += len(l)
	}
	s.calls++
	return lists, err
}

func (s *counting) Sights(ctx context.Context, shard int, names ...windowstore.RowName) ([][]byte, error) {
	s.sights++
	s.calls++
	return s.Store.Sights(ctx, shard, names...)
}
