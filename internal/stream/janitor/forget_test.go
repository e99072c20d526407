package janitor

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"

	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics/metricstest"
)

// TestForgetWaitsForClear: a scan comes before the sweep that would have ended an episode.
func TestForgetWaitsForClear(t *testing.T) {
	r := newClicksRig(t)
	r.Clicks(10)
	r.Reach(20)
	r.scan()
	if !r.Counted(10) || len(r.Armed()) != 1 {
		t.Fatal("forgotten though its episode has not ended")
	}
}

// TestForgetByStoredFences: the store went back; what the shard had reached before is not
// what is stored.
func TestForgetByStoredFences(t *testing.T) {
	r := newClicksRig(t)
	r.Clicks(1)
	r.Shard.StreamTimeShared.Store(time.Date(2026, 2, 20, 0, 0, 0, 0, time.UTC).UnixNano())
	if r.scan(); !r.Counted(1) {
		t.Fatal("forgotten though the stored fence is not so far")
	}
	r.Reach(20)
	if r.scan(); r.Counted(1) {
		t.Fatal("not forgotten")
	}
	if n := metricstest.Value(r.Shard.Metrics.Forgot); n != 1 {
		t.Fatalf("%v subjects forgotten by the metric", n)
	}
}

// TestForgetAtOnce: of many records that go in one step one is written meanwhile: it stays, the others go.
func TestForgetAtOnce(t *testing.T) {
	r := newClicksRig(t)
	r.Clicks(1)
	r.Reach(20)
	r.twoShards("A", "B", "C")
	r.options.Step = 200
	r.over(&hasty{Mem: r.Store, key: r.Store.Keys().AppendRecordKey(nil, 1, "incident", []byte("B"))})
	r.scan()
	if first, second := r.records(0), r.records(1); first != "" || second != "B" {
		t.Errorf("left are %q and %q", first, second)
	}
	if n := metricstest.Value(r.Shard.Metrics.Forgot); n != 5 {
		t.Errorf("%v subjects forgotten by the metric", n)
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

// TestForgetOnce: a subject that had a level shrinks once; one that had none goes.
func TestForgetOnce(t *testing.T) {
	r := newRig(t, `
pack: p
measures: {readers: {distinct: account, types: [view]}}
rules: [{id: r, by: incident, window: 1h, step: 1m, limits: {readers: 500}, levels: [0.5, 1]}]
`)
	var lines []string
	for i := range 700 {
		incident := []string{"loud", "quiet"}[i/500]
		lines = append(lines, fmt.Sprintf(`{"id":"%d","time":"2026-01-01T00:00:00Z","type":"view","incident":"%s","account":"u%d"}`, i, incident, i%550))
	}
	r.Count(lines...)
	r.Reach(1)
	var before []byte
	for n := range 3 {
		r.scan()
		record := r.record("loud")
		if record == nil {
			t.Fatal("the record with a level is gone")
		}
		if n > 0 && !bytes.Equal(record, before) {
			t.Fatal("the record was written again")
		}
		before = record
	}
	if r.record("quiet") != nil || r.keysLeft("{00}p:") > 0 {
		t.Errorf("%d parts are left, and of the quiet one %q", r.keysLeft("{00}p:"), r.record("quiet"))
	}
}

// TestForgetWaitsForDelay: a scan deletes a subject that runs behind the stream as much later.
func TestForgetWaitsForDelay(t *testing.T) {
	r := newClicksRig(t)
	r.Count(`{"id":"b","time":"2026-01-31T00:00:00Z","type":"click","incident":"B"}`)
	r.Clicks(3) // of the first of January: thirty days behind; its window is empty on the 12th, and it is kept for a day
	for day := 9; day <= 12; day++ {
		r.Reach(day)
		r.scan()
		if there := r.keysLeft("{00}r:incident:A") == 1; there != (day < 12) {
			t.Errorf("on the %dth of February: there %v", day, there)
		}
	}
}

// TestForgetWaitsForTime: of a subject whose events were all refused the time is kept as long as the windows of others.
func TestForgetWaitsForTime(t *testing.T) {
	r := newRig(t, `
pack: p
measures: {orders: {sum: count, types: [order]}, defied: {sum: count, types: [click], after: orders}}
rules: [{id: r, by: incident, window: 10d, step: 1d, limits: {defied: 10}}]
`)
	r.Clicks(1)
	there := func() bool { return r.keysLeft("{00}r:") == 1 }
	r.Reach(-30) // the first of January, at noon or so
	if r.scan(); !there() {
		t.Error("forgotten at once")
	}
	r.Reach(1)
	if r.scan(); there() {
		t.Error("kept for ever")
	}
}
