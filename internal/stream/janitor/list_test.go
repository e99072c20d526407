package janitor

import (
	"context"
	"fmt"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/stream/listing"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// nearest is what is listed, as text.
func (r *rig) nearest() (text string) {
	r.t.Helper()
	lists, err := r.Store.Rows(r.t.Context(), windowstore.RowsAsked{Rule: "r", From: windowstore.Top(), Limit: 100})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, row := range lists[0] {
		text += fmt.Sprintf("%s:%d ", row.ID, row.Progress)
	}
	return text
}

// TestScanLists: a list that is gone is made again, one that is wrong is put right, and who is forgotten is not listed.
func TestScanLists(t *testing.T) {
	r := newClicksRig(t)
	wants := func(what, want string) {
		t.Helper()
		if r.scan(); r.nearest() != want {
			t.Errorf("%s: listed %s, want %s", what, r.nearest(), want)
		}
	}
	list := func(id string, progress uint64) {
		t.Helper()
		if err := r.Store.List(t.Context(), 0, windowstore.RowChange{RowName: windowstore.RowName{Rule: "r", ID: []byte(id)}, Progress: progress}); err != nil {
			t.Fatal(err)
		}
	}
	r.Clicks(3)
	if r.Reach(-29); r.nearest() != "" {
		t.Errorf("listed %s before the lister had a turn", r.nearest())
	}
	wants("never listed", "A:3000 ")
	list("A", 9000)
	list("nobody", 9000)
	wants("wrong", "A:3000 ")
	if err := listing.Drop(t.Context(), r.Store, 0); err != nil {
		t.Fatal(err)
	}
	wants("gone", "A:3000 ")
	r.Reach(20)
	wants("forgotten", "")
	r.Shard.Listing.Flush(t.Context()) // what waited of it is not written
	wants("forgotten", "")

	list("A", 9000)
	o := *r.options
	shards := *o.Options
	shards.Listing = nil
	o.Options = &shards
	r.hire(o)
	if r.scan(); r.nearest() != "" {
		t.Errorf("listed %s though nothing is to be listed", r.nearest())
	}
}

// beforeScan is a store that calls f before all records are looked at.
type beforeScan struct {
	windowstore.Store
	f func()
}

func (s *beforeScan) ScanRecords(ctx context.Context, f func(shard int, key []byte) bool, pause func()) error {
	s.f()
	return s.Store.ScanRecords(ctx, f, pause)
}

// TestListsFirst: where the rules are others, what is listed is put right before all records are looked at, once.
func TestListsFirst(t *testing.T) {
	r := newClicksRig(t)
	r.Clicks(3)
	r.Reach(-29)
	list := func() {
		t.Helper()
		if err := r.Store.List(t.Context(), 0, windowstore.RowChange{RowName: windowstore.RowName{Rule: "r", ID: []byte("A")}, Progress: 9000}); err != nil {
			t.Fatal(err)
		}
	}
	var before string
	o := *r.options
	shards := *o.Options
	shards.Store = &beforeScan{r.Store, func() { before = r.nearest() }}
	o.Options = &shards
	for _, soon := range []bool{false, true} {
		o.Soon = soon
		r.hire(o)
		for _, want := range []string{map[bool]string{false: "A:9000 ", true: "A:3000 "}[soon], "A:9000 "} {
			list()
			if r.scan(); before != want || r.nearest() != "A:3000 " {
				t.Errorf("other rules %v: before the scan %s, want %s; then %s", soon, before, want, r.nearest())
			}
		}
	}
}
