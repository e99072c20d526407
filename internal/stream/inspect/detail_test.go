package inspect_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard/shardtest"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// rigOf is a rig that has counted lines by a program, and what reads its store.
func rigOf(t *testing.T, p *engine.Program, lines ...string) (*shardtest.Rig, *inspect.Reader) {
	t.Helper()
	r := shardtest.NewRig(t, p)
	r.Count(lines...)
	return r, &inspect.Reader{Program: p, Store: r.Store, Shards: 1}
}

// stored is rigOf with the store of the rig.
func stored(t *testing.T, p *engine.Program, lines ...string) (windowstore.Store, *inspect.Reader) {
	t.Helper()
	r, reader := rigOf(t, p, lines...)
	return r.Store, reader
}

// seriesText is the series of a detail, a line each.
func seriesText(d *inspect.Detail) string {
	var lines []string
	for _, s := range d.Series {
		var b strings.Builder
		for _, r := range s.Rules {
			b.WriteString(r.ID + " ")
		}
		b.WriteString(s.Measure)
		for _, x := range s.Buckets {
			fmt.Fprintf(&b, " %s=%d", time.Unix(0, x.From).UTC().Format("02T15:04"), x.Value)
		}
		lines = append(lines, b.String())
	}
	return strings.Join(lines, "; ")
}

func TestDetail(t *testing.T) {
	_, r := counted(t)
	d, err := r.Detail(t.Context(), thresholds.Incident, "A")
	if err != nil || d == nil {
		t.Fatal(err)
	}
	if first, last := time.Unix(0, d.First).UTC(), time.Unix(0, d.Time).UTC(); first.Format("15:04") != "00:00" || last.Format("15:04") != "03:19" {
		t.Errorf("from %v to %v", first, last)
	}
	if len(d.Standings) != 2 || d.Standings[1].Values[0].Value != 200 || d.Standings[1].Time != d.Time {
		t.Errorf("got %+v", d.Standings)
	}
	if got := seriesText(d); strings.Count(got, "=1 ")+strings.Count(got, "=1;") != 200 || !strings.HasSuffix(got, "01T03:19=1; readers readers 01T00:00=200") {
		t.Errorf("got %s", got)
	}
	if d, err := r.Detail(t.Context(), thresholds.Incident, "B"); d != nil || err != nil {
		t.Errorf("of nobody: %v, %v", d, err)
	}
}

// TestSeries: sums, keys and weights by bucket; a counter that rules share stands once for each name; all time begins with the first event.
func TestSeries(t *testing.T) {
	p := enginetest.Compile(t, `
pack: p
measures:
  clicks: {sum: count, types: [click]}
  presses: {sum: count, types: [click]}
  readers: {distinct: account, types: [click]}
  members: {distinct: group, weight: members, types: [group]}
rules:
  - {id: a, by: incident, window: 1h, step: 1m, limits: {clicks: 100, readers: 50}}
  - {id: b, by: incident, window: 1h, step: 1m, limits: {clicks: 200, presses: 300}}
  - {id: c, by: incident, window: all, limits: {clicks: 1000}}
  - {id: d, by: incident, window: 1h, step: 30m, limits: {members: 1000}}
`)
	store, reader := stored(t, p,
		`{"id":"1","time":"2026-01-01T00:00:10Z","type":"click","incident":"A","account":"x","count":3}`,
		`{"id":"2","time":"2026-01-01T00:05:00Z","type":"click","incident":"A","account":"x","count":4}`,
		`{"id":"3","time":"2026-01-01T00:05:30Z","type":"click","incident":"A","account":"y"}`,
		`{"id":"4","time":"2026-01-01T00:06:00Z","type":"group","incident":"A","group":"g","members":70}`,
		`{"id":"5","time":"2026-01-01T00:40:00Z","type":"group","incident":"A","group":"h","members":5}`)
	d, err := reader.Detail(t.Context(), thresholds.Incident, "A")
	if err != nil {
		t.Fatal(err)
	}
	want := "a b clicks 01T00:00=3 01T00:05=5; a readers 01T00:05=2; b presses 01T00:00=3 01T00:05=5; c clicks 01T00:00=8; d members 01T00:00=70 01T00:30=5"
	if got := seriesText(d); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if from := d.Series[3].Buckets[0].From; from != d.First {
		t.Errorf("all time begins at %v, the first event was at %v", from, d.First)
	}

	// What counters lack is said, as crossings say it: a start that the store knows, and a log that lost its begin.
	at := time.Date(2026, 1, 1, 0, 3, 0, 0, time.UTC).UnixNano()
	reader.Partitions = func(context.Context) ([]position.TopicPartition, error) {
		return []position.TopicPartition{{Topic: "t"}}, nil
	}
	shard := windowstore.ShardOf("incident", []byte("A"), reader.Shards)
	fence := position.Position{Since: at, Newest: engine.NoTime}
	if err := store.Put(t.Context(), shard, store.Keys().AppendFenceKey(nil, shard, "t", 0), fence.AppendFence(nil, 1)); err != nil {
		t.Fatal(err)
	}
	later := at + int64(time.Minute)
	starts := fmt.Sprintf(`{"%x":%d}`, p.Kinds[thresholds.Incident].Layout.Counters[0].ID, later)
	if err := store.Put(t.Context(), 0, store.Keys().AppendMetaKey(nil, 0, windowstore.SettingCounters), []byte(starts)); err != nil {
		t.Fatal(err)
	}
	if d, err = reader.Detail(t.Context(), thresholds.Incident, "A"); err != nil {
		t.Fatal(err)
	}
	if clicks, readers, ever := d.Standings[0].Values[0].Since, d.Standings[0].Values[1].Since, d.Standings[2].Values[0].Since; clicks != later || readers != at || ever != at {
		t.Errorf("since %d, %d, %d, want %d, %d, %d", clicks, readers, ever, later, at, at)
	}
}

// TestPending: the rules in force may ask for a level that was not announced, since they changed.
func TestPending(t *testing.T) {
	const before = `{pack: p, measures: {n: {sum: count, types: [click]}}, rules: [{id: r, by: incident, window: 1h, step: 1m, limits: {n: %d}, levels: [0.5, 1]}]}`
	_, reader := stored(t, enginetest.Compile(t, fmt.Sprintf(before, 1000)), `{"id":"1","time":"2026-01-01T00:00:10Z","type":"click","incident":"A","count":60}`)
	f := func(limit int, want string) {
		t.Helper()
		reader.Program = enginetest.Compile(t, fmt.Sprintf(before, limit))
		d, err := reader.Detail(t.Context(), thresholds.Incident, "A")
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Standings[0].Pending.String(); got != want {
			t.Errorf("limit %d: pending %s, want %s", limit, got, want)
		}
	}
	f(1000, "0")
	f(100, "0.5")
	f(60, "1")
}

// moving is a store in which a subject is written again whenever it was read.
type moving struct {
	windowstore.Store
	times int
	write func()
}

func (m *moving) Load(ctx context.Context, shard int, keys, dst [][]byte) ([][]byte, error) {
	values, err := m.Store.Load(ctx, shard, keys, dst)
	if m.times > 0 && len(keys) == 1 {
		m.times--
		m.write()
	}
	return values, err
}

// TestOneMoment: what is shown of a subject is of one moment, though its history is read after its record.
func TestOneMoment(t *testing.T) {
	p := enginetest.Compile(t, `{pack: p, measures: {n: {sum: count, types: [click]}}, rules: [{id: r, by: incident, window: 1000m, step: 1m, limits: {n: 1000000}}]}`)
	var lines []string
	add := func(n int) string {
		return fmt.Sprintf(`{"id":"%d","time":%q,"type":"click","incident":"A","count":3}`, n, time.Date(2026, 1, 1, 0, 0, n*67, 0, time.UTC).Format(time.RFC3339))
	}
	for n := range 800 { // more than fit into the record
		lines = append(lines, add(n))
	}
	rig, reader := rigOf(t, p, lines...)
	next := 800
	reader.Store = &moving{reader.Store, 1, func() {
		for range 50 {
			rig.Count(add(next))
			next++
		}
	}}
	d, err := reader.Detail(t.Context(), thresholds.Incident, "A")
	if err != nil {
		t.Fatal(err)
	}
	var sum uint64
	for _, b := range d.Series[0].Buckets {
		sum += b.Value
	}
	if value := d.Standings[0].Values[0].Value; value != sum || value != uint64(3*next) {
		t.Errorf("value %d, by buckets %d, counted %d", value, sum, 3*next)
	}
}
