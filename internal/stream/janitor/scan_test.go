package janitor

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics/metricstest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard/shardtest"
)

// TestScanArmsWhatCanClear: an episode that no rule can end has no place in the index, where it would stand before others.
func TestScanArmsWhatCanClear(t *testing.T) {
	f := func(pack string, want int) {
		t.Helper()
		r := newRig(t, pack)
		r.Clicks(10)
		if err := r.Store.Disarm(t.Context(), 0, r.Store.Keys().AppendMember(nil, "incident", []byte("A"))); err != nil {
			t.Fatal(err)
		}
		r.Reach(-29) // the window still holds the clicks
		r.Shard.StreamTimeShared.Store(0)
		if r.scan(); len(r.Armed()) != want {
			t.Errorf("%d subjects armed, want %d", len(r.Armed()), want)
		}
	}
	f(shardtest.ClicksPack, 1)
	f(strings.Replace(shardtest.ClicksPack, ", clear: 0.5", "", 1), 0)
}

// TestScanLeavesDates: of what is in the index a scan has no more dates worked out again than it may, except for the first of a
// process; and even then a clear that is due does not wait for those that are not.
func TestScanLeavesDates(t *testing.T) {
	const silent = 3 * sweepMost
	r := newClearsRig(t)
	r.options.Recompute = 0
	episode := func() uint64 { return r.subject("X").RuleState(1).Episode }

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
	for range silent / sweepMost {
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
	r.options.Recompute = silent / 2
	r.scan()
	if n := r.due(); n < silent/4 || n > silent*3/4 {
		t.Errorf("%d subjects are to be looked at, want about half of %d", n, silent)
	}
}

// TestScanGoesOn: a record that cannot be looked at keeps no other from being forgotten, and is reported. After each step, and after each look at what is left of them, the scan rests.
func TestScanGoesOn(t *testing.T) {
	f := func(step, rests int) {
		t.Helper()
		r := newClicksRig(t)
		r.Clicks(1)
		r.Reach(20)
		r.twoShards("A", "B", "C")
		if err := r.Store.Put(t.Context(), 0, r.Store.Keys().AppendRecordKey(nil, 0, "incident", []byte("B")), []byte("damaged")); err != nil {
			t.Fatal(err)
		}
		rested := 0
		r.options.Step, r.options.Rest = step, func(context.Context, time.Duration) { rested++ }
		if err := r.janitor.scan.scan(t.Context()); err == nil {
			t.Error("the damaged record is not reported")
		}
		if first, second := r.records(0), r.records(1); first != "B" || second != "" {
			t.Errorf("left are %q and %q", first, second)
		}
		if n := metricstest.Value(r.Shard.Metrics.Forgot); n != 5 || rested != rests {
			t.Errorf("%v subjects forgotten by the metric, with %d rests", n, rested)
		}
	}
	f(1, 2)
	f(2, 4)
	f(200, 4)
}
