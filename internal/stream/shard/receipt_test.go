package shard

import (
	"testing"

	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// newReceipt is that of a commit which compares and moves a fence each, and compares and writes records: of a, of b, and the head.
func newReceipt(t *testing.T, a, b *Entry) *receipt {
	t.Helper()
	r := &receipt{commit: &windowstore.Commit{}}
	if !r.empty() {
		t.Error("a commit of nothing is not empty")
	}
	r.fence(windowstore.Fence{From: []byte("f0")}, 2)
	r.fence(windowstore.Fence{From: []byte("f1"), To: []byte("g1")}, 4)
	r.record(windowstore.Record{Version: []byte("v0")}, owner{entry: a})
	r.record(windowstore.Record{Version: []byte("v1"), Value: []byte("w1")}, owner{entry: b})
	r.record(windowstore.Record{Version: []byte("v2"), Value: []byte("w2")}, owner{box: shadowBox})
	return r
}

// fences is the store's answer that a fence is another one; "": it is gone.
func fences(i int, value string) windowstore.Result {
	return windowstore.Result{Outcome: windowstore.Fenced, Fences: present(i, value)}
}

// records is the same of a record.
func records(i int, value string) windowstore.Result {
	return windowstore.Result{Outcome: windowstore.Stale, Records: present(i, value)}
}

func present(i int, value string) []windowstore.Present {
	if value == "" {
		return []windowstore.Present{{Index: i}}
	}
	return []windowstore.Present{{Index: i, Value: []byte(value)}}
}

// TestReceiptAnswer: what the store said to a commit.
func TestReceiptAnswer(t *testing.T) {
	r := newReceipt(t, &Entry{Name: "A"}, &Entry{Name: "B"})
	for name, c := range map[string]struct {
		res  windowstore.Result
		want answer
	}{
		"written":                         {windowstore.Result{}, done},
		"another's fence":                 {fences(1, "h1"), fenced},
		"a fence that was compared only":  {fences(0, "h0"), fenced},
		"a fence that is gone":            {fences(0, ""), fenced},
		"its own fence":                   {fences(1, "g1"), done},
		"another's record":                {records(1, "x1"), stale},
		"a record that was compared only": {records(0, "w0"), stale},
		"a record that is gone":           {records(0, ""), stale},
		"its own record":                  {records(1, "w1"), done},
	} {
		if got := r.read(c.res); got != c.want {
			t.Errorf("%s: answer %d, want %d", name, got, c.want)
		}
	}
}

// TestReceiptOf: of which subject, partition or head the store said it.
func TestReceiptOf(t *testing.T) {
	a, b := &Entry{Name: "A"}, &Entry{Name: "B"}
	r := newReceipt(t, a, b)
	if partition, stored := r.mismatch(fences(1, "h1")); partition != 4 || string(stored) != "h1" {
		t.Errorf("the fence of partition %d, which is %s", partition, stored)
	}
	for partition, to := range r.moved() {
		if partition != 4 || string(to) != "g1" {
			t.Errorf("partition %d moved to %s", partition, to)
		}
	}
	wrote := map[owner]string{}
	for of, value := range r.wrote() {
		wrote[of] = string(value)
	}
	if len(wrote) != 2 || wrote[owner{entry: b}] != "w1" || wrote[owner{box: shadowBox}] != "w2" {
		t.Errorf("wrote %v", wrote)
	}
	for i, want := range []owner{{entry: a}, {entry: b}, {box: shadowBox}} {
		for of, stored := range r.newer(records(i, "x")) {
			if of != want || string(stored) != "x" {
				t.Errorf("record %d is of %v", i, of)
			}
		}
	}
}
