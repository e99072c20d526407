package windows

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestMemSize: Len and Bytes are what is held, after any history.
func TestMemSize(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	m := NewMem(2)
	held := map[string]int{}
	name := func() string { return "key" + fmt.Sprint(random.IntN(20)) }
	value := func() string { return strings.Repeat("x", random.IntN(300)) }
	for range 3000 {
		var c Commit
		if random.IntN(3) == 0 {
			gone := name()
			delete(held, gone)
			c.Deletes = names(gone)
		} else {
			p, v := name(), value()
			held[p] = len(v)
			c.Puts = []Put{put(p, v)}
		}
		if _, err := m.Commit(t.Context(), 1, &c); err != nil {
			t.Fatal(err)
		}
		size := 0
		for name, n := range held {
			size += len(name) + n
		}
		if m.Len() != len(held) || m.Bytes() != int64(size) {
			t.Fatalf("%d keys of %d bytes, want %d of %d", m.Len(), m.Bytes(), len(held), size)
		}
	}
	if n := len(m.shards[1].values); n > 20 {
		t.Errorf("%d places for at most 20 keys", n)
	}
}

// TestMemInPlace: writing a value again costs no memory, and a value that shrank gives memory back.
func TestMemInPlace(t *testing.T) {
	m := NewMem(1)
	c := Commit{Puts: []Put{put("key", "0123456789")}}
	commit := func() {
		if _, err := m.Commit(t.Context(), 0, &c); err != nil {
			t.Fatal(err)
		}
	}
	if n := testing.AllocsPerRun(100, commit); n != 0 {
		t.Errorf("%v allocations", n)
	}
	c.Puts[0].Value = make([]byte, 100_000)
	commit()
	c.Puts[0].Value = make([]byte, 100)
	commit()
	if n := cap(m.shards[0].values[0]); n > 1000 {
		t.Errorf("100 bytes held in %d", n)
	}
}

func TestMemScan(t *testing.T) {
	s := NewMem(8)
	d := desk{t, s, 3}
	d.put("a*[b]?\\1", "", "a*[b]?\\2", "", "a*[b]?\\", "", "aXb?\\1", "", "axxbx\\1", "", "b", "")
	for i := range 3000 {
		d.put(fmt.Sprint("many", i), "")
	}
	desk{t, s, 4}.put("many0", "", "other", "")
	scan := func(prefix string) []string {
		var got []string
		err := s.Scan(t.Context(), 3, d.key(prefix), func(key []byte) bool {
			got = append(got, string(bytes.TrimPrefix(key, d.key(""))))
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(got)
		return slices.Compact(got)
	}
	f := func(prefix string, want ...string) {
		t.Helper()
		if got := scan(prefix); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", prefix, got, want)
		}
	}
	f("a*[b]?\\", "a*[b]?\\", "a*[b]?\\1", "a*[b]?\\2")
	f("aX", "aXb?\\1")
	f("other")
	f("no")
	if got := scan("many"); len(got) != 3000 {
		t.Errorf("%d of 3,000 keys", len(got))
	}
	calls := 0
	err := s.Scan(t.Context(), 3, d.key("many"), func([]byte) bool { calls++; return calls < 7 })
	if err != nil || calls != 7 {
		t.Errorf("%d calls, error %v", calls, err)
	}
	err = s.Scan(t.Context(), 3, d.key("b"), func(key []byte) bool { // the store can be used meanwhile
		return s.Put(t.Context(), 3, key, []byte("seen")) == nil
	})
	if err != nil {
		t.Error(err)
	}
	d.holds("b", "seen")
}
