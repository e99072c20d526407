package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Contract is what a store must do: every test of it runs on every store.
var Contract = []struct {
	Name string
	Test func(*testing.T, store.Store)
}{
	{"Applied", testApplied},
	{"Fenced", testFenced},
	{"Stale", testStale},
	{"ComparedOnly", testComparedOnly},
	{"Deletes", testDeletes},
	{"AnyBytes", testAnyBytes},
	{"Largest", testLargest},
	{"OneWinner", testOneWinner},
	{"Copies", testCopies},
	{"Invalid", testInvalid},
	{"Canceled", testCanceled},
	{"Load", testLoad},
	{"ScanRecords", ScanRecords},
	{"Put", testPut},
	{"Delete", testDelete},
	{"Armed", testArmed},
	{"List", testList},
	{"Rows", testRows},
	{"EqualRows", testEqualRows},
	{"Lists", testLists},
	{"Strays", testStrays},
	{"Usable", Usable},
}

// testCopies changes what it gave, and what it was given.
func testCopies(t *testing.T, s store.Store) {
	d := Desk{t, s, 3}
	commit := func(from, version, fence, record, value string) {
		t.Helper()
		c := d.Named(store.Commit{
			Fences:  []store.Fence{{Key: []byte("f"), From: Opt(from), To: []byte(fence)}},
			Records: []store.Record{{Key: []byte("r"), Version: Opt(version), Value: []byte(record)}},
			Puts:    []store.Put{Put("p", value)},
		})
		if res, err := s.Commit(t.Context(), d.Shard, c); err != nil || res.Outcome != store.Done {
			t.Fatalf("outcome %d, error %v", res.Outcome, err)
		}
		for _, b := range [][]byte{c.Fences[0].Key, c.Fences[0].To, c.Records[0].Key, c.Records[0].Value, c.Puts[0].Key, c.Puts[0].Value} {
			clear(b)
		}
		d.Holds("f", fence, "r", record, "p", value)
	}
	commit("-", "-", "10", "version1", "x")
	commit("10", "version1", "11", "version2", "y")
	values, err := s.Load(t.Context(), d.Shard, [][]byte{d.Key("f"), d.Key("r")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = append(values[0], "????????"...)
	if string(values[1]) != "version2" {
		t.Errorf("appending to a value changed the next to %q", values[1])
	}
	clear(values[0])
	res := d.Commit(store.Commit{Fences: []store.Fence{Fence("f", "-", "-")}})
	clear(res.Fences[0].Value)
	res = d.Commit(store.Commit{Records: []store.Record{Record("r", "-", "-")}})
	clear(res.Records[0].Value)
	d.Holds("f", "11", "r", "version2", "p", "y")
}

func testCanceled(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d := Desk{t, s, 3}
	key := d.Key("x")
	f := func(err error) {
		t.Helper()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
	_, err := s.Commit(ctx, 3, d.Named(store.Commit{Puts: []store.Put{Put("x", "y")}}))
	f(err)
	_, err = s.Load(ctx, 3, [][]byte{key}, nil)
	f(err)
	f(s.Put(ctx, 3, key, key))
	_, err = s.PutAbsent(ctx, 3, key, key)
	f(err)
	f(s.Delete(ctx, 3, key))
	f(s.ScanRecords(ctx, func(int, []byte) bool { return true }, nil))
	f(s.Arm(ctx, 3, store.Due{Member: key}))
	f(s.ArmAbsent(ctx, 3, store.Due{Member: key}))
	f(s.Disarm(ctx, 3, key))
	_, err = s.Armed(ctx, 3, 0, 1)
	f(err)
	f(s.List(ctx, 3, store.RowChange{RowName: store.RowName{Rule: "r", ID: key}}))
	_, err = s.LookUp(ctx, 3, store.RowName{Rule: "r", ID: key})
	f(err)
	_, err = s.Sights(ctx, 3, store.RowName{Rule: "r", ID: key})
	f(err)
	_, err = s.Rows(ctx, store.RowsAsked{Shard: 3, Rule: "r", From: store.Top(), Limit: 1})
	f(err)
	_, err = s.CountRows(ctx, store.RowsCounted{Shard: 3, Rule: "r"})
	f(err)
	_, err = s.Lists(ctx, 3)
	f(err)
	_, err = s.DropStrays(ctx, 3, "r", 0)
	f(err)
	f(s.DropList(ctx, 3, "r"))
	f(s.Ping(ctx))
	d.Holds("x", "-")
}

func testLoad(t *testing.T, s store.Store) {
	d := Desk{t, s, 3}
	d.Put("a", "1", "b", "")
	dst := make([][]byte, 5, 8)
	f := func(want [][]byte, keys ...string) {
		t.Helper()
		var in [][]byte
		for _, name := range keys {
			in = append(in, d.Key(name))
		}
		got, err := s.Load(t.Context(), 3, in, dst)
		if err != nil || !reflect.DeepEqual(got, want) || &got[:1][0] != &dst[0] {
			t.Errorf("%q: got %q, error %v", keys, got, err)
		}
	}
	f([][]byte{})
	f([][]byte{nil}, "no")
	f([][]byte{{}, nil, []byte("1"), []byte("1")}, "b", "no", "a", "a")

	var keys [][]byte
	for i := range 2*store.MaxCommitKeys + 1 {
		keys = append(keys, d.Key(fmt.Sprint("k", i)))
	}
	d.Put("k0", "0", "k7800", "x")
	got, err := s.Load(t.Context(), 3, keys, nil)
	if err != nil || len(got) != len(keys) || string(got[0]) != "0" || got[1] != nil || string(got[7800]) != "x" {
		t.Errorf("%d values, error %v", len(got), err)
	}
}

// ScanRecords is of the contract.
func ScanRecords(t *testing.T, s store.Store) {
	k := s.Keys()
	put := func(shard int, key []byte) {
		if err := s.Put(t.Context(), shard, key, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	var want []string
	for shard := range 8 {
		for _, id := range []string{"inc-1", "a:b", "}r:", ""} {
			key := k.AppendRecordKey(nil, shard, "incident", []byte(id))
			put(shard, key)
			want = append(want, fmt.Sprint(shard, " ", string(key)))
		}
		put(shard, k.AppendPartKey(nil, shard, []byte("1"), "incident", []byte("}r:x")))
		put(shard, k.AppendHeadKey(nil, shard))
		put(shard, store.Keys{Prefix: k.Prefix + "other:"}.AppendRecordKey(nil, shard, "incident", []byte("another's")))
	}
	// A shard that is written another way is not ours.
	put(7, []byte(strings.Replace(string(k.AppendRecordKey(nil, 7, "incident", []byte("inc-1"))), "{07}", "{7}", 1)))
	var got []string
	pauses := 0
	err := s.ScanRecords(t.Context(), func(shard int, key []byte) bool {
		got = append(got, fmt.Sprint(shard, " ", string(key)))
		return s.Put(t.Context(), shard, key, []byte("seen")) == nil // the store can be used meanwhile
	}, func() { pauses++ })
	if pauses == 0 {
		t.Error("no pause")
	}
	slices.Sort(got)
	slices.Sort(want)
	if got = slices.Compact(got); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, error %v, want %q", got, err, want)
	}
	calls := 0
	err = s.ScanRecords(t.Context(), func(int, []byte) bool { calls++; return calls < 7 }, nil)
	if err != nil || calls != 7 {
		t.Errorf("%d calls, error %v", calls, err)
	}
}

func testPut(t *testing.T, s store.Store) {
	d := Desk{t, s, 3}
	f := func(value, want string) {
		t.Helper()
		got, err := s.PutAbsent(t.Context(), 3, d.Key("x"), []byte(value))
		if err != nil || got == nil || string(got) != want {
			t.Errorf("got %q, error %v, want %q", got, err, want)
		}
		clear(got)
		d.Holds("x", want)
	}
	f("a", "a")
	f("b", "a")
	d.Put("x", "")
	f("c", "")
	if err := s.Delete(t.Context(), 3, d.Key("x")); err != nil {
		t.Fatal(err)
	}
	f("d\x00\xff", "d\x00\xff")
}

func testDelete(t *testing.T, s store.Store) {
	d := Desk{t, s, 3}
	var keys [][]byte
	for i := range store.MaxCommitKeys + 10 {
		keys = append(keys, d.Key(fmt.Sprint(i)))
	}
	d.Put("0", "x", "1", "", "3909", "x", "stays", "")
	for range 2 {
		if err := s.Delete(t.Context(), 3, keys...); err != nil {
			t.Fatal(err)
		}
		d.Holds("0", "-", "1", "-", "3909", "-", "stays", "")
	}
	if err := s.Delete(t.Context(), 3); err != nil {
		t.Error(err)
	}
}

func testArmed(t *testing.T, s store.Store) {
	arm := func(shard int, due ...store.Due) {
		t.Helper()
		if err := s.Arm(t.Context(), shard, due...); err != nil {
			t.Fatal(err)
		}
	}
	f := func(shard int, upTo int64, limit int, want string) {
		t.Helper()
		due, err := s.Armed(t.Context(), shard, upTo, limit)
		var got []string
		for _, d := range due {
			got = append(got, fmt.Sprintf("%q@%d", d.Member, d.Unix))
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("got %s, error %v, want %s", got, err, want)
		}
	}
	at := func(member string, unix int64) store.Due { return store.Due{Member: []byte(member), Unix: unix} }
	f(3, 1<<53, 10, "")
	arm(3, at("b", 20), at("a", 20), at("c\x00\xff", 10), at("", 30), at("old", -5e9), at("new", 1<<53))
	arm(4, at("other", 1))
	f(3, 19, 10, `"old"@-5000000000 "c\x00\xff"@10`)
	f(3, 20, 10, `"old"@-5000000000 "c\x00\xff"@10 "a"@20 "b"@20`)
	f(3, 1<<53, 10, `"old"@-5000000000 "c\x00\xff"@10 "a"@20 "b"@20 ""@30 "new"@9007199254740992`)
	f(3, 20, 3, `"old"@-5000000000 "c\x00\xff"@10 "a"@20`)
	f(3, 20, 0, ``)
	arm(3, at("old", 25), at("a", 19), at("a", 19))
	f(3, 25, 10, `"c\x00\xff"@10 "a"@19 "b"@20 "old"@25`)
	for range 2 {
		if err := s.Disarm(t.Context(), 3, []byte("c\x00\xff"), []byte("no"), []byte("old")); err != nil {
			t.Fatal(err)
		}
		f(3, 25, 10, `"a"@19 "b"@20`)
	}
	if err := s.ArmAbsent(t.Context(), 3, at("a", 5), at("b", 50), at("later", 21), at("later", 22)); err != nil {
		t.Fatal(err)
	}
	f(3, 25, 10, `"a"@19 "b"@20 "later"@21`)
	arm(3)
	if err := s.Disarm(t.Context(), 3); err != nil {
		t.Error(err)
	}
	f(4, 1, 10, `"other"@1`)
	f(5, 1, 10, ``)
}

// Usable is of the contract.
func Usable(t *testing.T, s store.Store) {
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if res, err := s.Commit(t.Context(), 3, &store.Commit{}); err != nil || res.Outcome != store.Done {
		t.Errorf("an empty commit: %v, error %v", res, err)
	}
	d := Desk{t, s, 0}
	for d.Shard = range 16 {
		d.Put("x", fmt.Sprint(d.Shard))
		d.Wants(store.Commit{Fences: []store.Fence{Fence("x", fmt.Sprint(d.Shard), "y")}, Puts: []store.Put{Put("p", "")}}, store.Result{})
	}
}
