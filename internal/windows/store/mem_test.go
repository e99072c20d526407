package store

import (
	"fmt"
	"math/rand/v2"
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
			c.Deletes = [][]byte{[]byte(gone)}
		} else {
			p, v := name(), value()
			held[p] = len(v)
			c.Puts = []Put{{Key: []byte(p), Value: []byte(v)}}
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
	c := Commit{Puts: []Put{{Key: []byte("key"), Value: []byte("0123456789")}}}
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
