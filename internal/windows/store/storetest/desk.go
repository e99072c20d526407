package storetest

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Desk is a shard of a store, with calls that cannot fail.
type Desk struct {
	T     *testing.T
	Store store.Store
	Shard int
}

// NewDesk is shard's desk of s.
func NewDesk(t *testing.T, s store.Store, shard int) Desk { return Desk{T: t, Store: s, Shard: shard} }

// Key names a key of the shard.
func (d Desk) Key(name string) []byte { return d.Store.Keys().AppendMetaKey(nil, d.Shard, name) }

// Commit takes keys by their names.
func (d Desk) Commit(c store.Commit) store.Result {
	d.T.Helper()
	result, err := d.Store.Commit(d.T.Context(), d.Shard, d.Named(c))
	if err != nil {
		d.T.Fatal(err)
	}
	return result
}

// Named is the commit with its keys' names made keys.
func (d Desk) Named(c store.Commit) *store.Commit {
	c.Fences, c.Records = slices.Clone(c.Fences), slices.Clone(c.Records)
	c.Puts, c.Deletes = slices.Clone(c.Puts), slices.Clone(c.Deletes)
	for i := range c.Fences {
		c.Fences[i].Key = d.Key(string(c.Fences[i].Key))
	}
	for i := range c.Records {
		c.Records[i].Key = d.Key(string(c.Records[i].Key))
	}
	for i := range c.Puts {
		c.Puts[i].Key = d.Key(string(c.Puts[i].Key))
	}
	for i := range c.Deletes {
		c.Deletes[i] = d.Key(string(c.Deletes[i]))
	}
	return &c
}

// Wants checks what a commit returned.
func (d Desk) Wants(c store.Commit, want store.Result) {
	d.T.Helper()
	if got := d.Commit(c); !reflect.DeepEqual(got, want) {
		d.T.Errorf("result:\ngot  %q\nwant %q", show(got), show(want))
	}
}

func show(r store.Result) string {
	return fmt.Sprintf("%d fences %#v records %#v", r.Outcome, r.Fences, r.Records)
}

// Put stores pairs of a name and a value.
func (d Desk) Put(pairs ...string) {
	d.T.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if err := d.Store.Put(d.T.Context(), d.Shard, d.Key(pairs[i]), []byte(pairs[i+1])); err != nil {
			d.T.Fatal(err)
		}
	}
}

// Holds checks pairs of a name and a value; "-" stands for an absent key.
func (d Desk) Holds(pairs ...string) {
	d.T.Helper()
	var keys [][]byte
	for i := 0; i < len(pairs); i += 2 {
		keys = append(keys, d.Key(pairs[i]))
	}
	values, err := d.Store.Load(d.T.Context(), d.Shard, keys, nil)
	if err != nil {
		d.T.Fatal(err)
	}
	for i, value := range values {
		got := string(value)
		if value == nil {
			got = "-"
		}
		if want := pairs[2*i+1]; got != want {
			d.T.Errorf("%s holds %q, want %q", pairs[2*i], got, want)
		}
	}
}

// Fence is a fence of the commit; "-" stands for absent.
func Fence(key, from, to string) store.Fence {
	return store.Fence{Key: []byte(key), From: Opt(from), To: Opt(to)}
}

// Record is a record of the commit; "-" stands for absent.
func Record(key, version, value string) store.Record {
	return store.Record{Key: []byte(key), Version: Opt(version), Value: Opt(value)}
}

// Put is a put of the commit.
func Put(key, value string) store.Put { return store.Put{Key: []byte(key), Value: []byte(value)} }

// Held is what the i-th fence or record was found to hold; "-" stands for absent.
func Held(i int, value string) store.Present { return store.Present{Index: i, Value: Opt(value)} }

// Opt is the bytes of s, or nil for "-".
func Opt(s string) []byte {
	if s == "-" {
		return nil
	}
	return []byte(s)
}

// Names are names as bytes.
func Names(names ...string) [][]byte {
	var b [][]byte
	for _, name := range names {
		b = append(b, []byte(name))
	}
	return b
}
