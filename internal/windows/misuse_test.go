package windows

import (
	"strings"
	"testing"
)

// What a caller must not do is a broken invariant.
func TestMisuse(t *testing.T) {
	f := func(what string, do func(k *kept)) {
		t.Helper()
		k := richSubject(t)
		defer func() {
			t.Helper()
			if text, _ := recover().(string); !strings.HasPrefix(text, "BUG: ") {
				t.Errorf("%s: %q", what, text)
			}
		}()
		do(k)
	}
	f("late", func(k *kept) { k.Add(0, k.time-1000*3600*second, 0, 1) })
	f("ahead of time", func(k *kept) { k.Add(0, k.time+1, 0, 1) })
	f("without a time", func(k *kept) { NewSubject(k.layout).Add(0, 0, 0, 1) })
	f("chunk not loaded", func(k *kept) { k.Add(1, k.time, 1, 1) })
	f("chunk to be split not loaded", func(k *kept) {
		c := k.counters[5]
		next, _ := c.members.next()
		for key := uint64(0); ; key++ {
			if at := chunkOf(key, c.chunks()); at != next {
				if err := k.load([]Part{{5, at}}); err != nil {
					t.Fatal(err)
				}
				k.Add(5, k.time, key, 0)
			}
		}
	})
	f("history not loaded", func(k *kept) {
		s, err := DecodeSubject(k.layout, k.record)
		if err != nil || len(s.NeedsHistory(nil)) == 0 {
			t.Fatalf("%v, needs %v", err, s.NeedsHistory(nil))
		}
		s.Advance(k.time + 1)
	})
	f("too many buckets", func(*kept) {
		s := NewSubject(&Layout{Counters: []Spec{{Step: 1, N: maxBuckets + 1}}})
		s.Advance(0)
		s.Add(0, 0, 0, 1)
	})
}
