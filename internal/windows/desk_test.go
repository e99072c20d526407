package windows

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
)

// openRedis ends with the test.
func openRedis(t testing.TB, o RedisOptions) *Redis {
	t.Helper()
	r, err := NewRedis(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// desk is a shard of a store, with calls that cannot fail.
type desk struct {
	t     *testing.T
	store Store
	shard int
}

// key names a key of the shard.
func (d desk) key(name string) []byte { return d.store.Keys().AppendMetaKey(nil, d.shard, name) }

// commit takes keys by their names.
func (d desk) commit(c Commit) Result {
	d.t.Helper()
	result, err := d.store.Commit(d.t.Context(), d.shard, d.named(c))
	if err != nil {
		d.t.Fatal(err)
	}
	return result
}

// named is the commit with its keys' names made keys.
func (d desk) named(c Commit) *Commit {
	c.Fences, c.Records = slices.Clone(c.Fences), slices.Clone(c.Records)
	c.Puts, c.Deletes = slices.Clone(c.Puts), slices.Clone(c.Deletes)
	for i := range c.Fences {
		c.Fences[i].Key = d.key(string(c.Fences[i].Key))
	}
	for i := range c.Records {
		c.Records[i].Key = d.key(string(c.Records[i].Key))
	}
	for i := range c.Puts {
		c.Puts[i].Key = d.key(string(c.Puts[i].Key))
	}
	for i := range c.Deletes {
		c.Deletes[i] = d.key(string(c.Deletes[i]))
	}
	return &c
}

// wants checks what a commit returned.
func (d desk) wants(c Commit, want Result) {
	d.t.Helper()
	if got := d.commit(c); !reflect.DeepEqual(got, want) {
		d.t.Errorf("result:\ngot  %q\nwant %q", show(got), show(want))
	}
}

func show(r Result) string {
	return fmt.Sprintf("%d fences %#v records %#v", r.Outcome, r.Fences, r.Records)
}

// put stores pairs of a name and a value.
func (d desk) put(pairs ...string) {
	d.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if err := d.store.Put(d.t.Context(), d.shard, d.key(pairs[i]), []byte(pairs[i+1])); err != nil {
			d.t.Fatal(err)
		}
	}
}

// holds checks pairs of a name and a value; "-" stands for an absent key.
func (d desk) holds(pairs ...string) {
	d.t.Helper()
	var keys [][]byte
	for i := 0; i < len(pairs); i += 2 {
		keys = append(keys, d.key(pairs[i]))
	}
	values, err := d.store.Load(d.t.Context(), d.shard, keys, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	for i, value := range values {
		got := string(value)
		if value == nil {
			got = "-"
		}
		if want := pairs[2*i+1]; got != want {
			d.t.Errorf("%s holds %q, want %q", pairs[2*i], got, want)
		}
	}
}

func fence(key, from, to string) Fence { return Fence{[]byte(key), opt(from), opt(to)} }

func record(key, version, value string) Record {
	return Record{[]byte(key), opt(version), opt(value)}
}

func put(key, value string) Put { return Put{[]byte(key), []byte(value)} }

func held(i int, value string) Present { return Present{i, opt(value)} }

// opt is nil for "-".
func opt(s string) []byte {
	if s == "-" {
		return nil
	}
	return []byte(s)
}

func names(names ...string) [][]byte {
	var b [][]byte
	for _, name := range names {
		b = append(b, []byte(name))
	}
	return b
}
