package windows

import (
	"slices"
	"testing"
)

// Shrink may come at any time, also when windows are not empty.
func TestShrink(t *testing.T) {
	k := richSubject(t)
	k.Add(4, k.time, 0, MaxValue) // leaves a lower bound
	used := k.inUse()
	parts := k.Shrink(nil)
	for _, p := range used {
		if !slices.Contains(parts, p) {
			t.Errorf("part %v forgotten", p)
		}
	}
	if !k.Empty(k.time) || !k.Announced() || !k.Changed() {
		t.Errorf("empty %v, announced %v, changed %v", k.Empty(k.time), k.Announced(), k.Changed())
	}
	for i := range k.counters {
		if v, atLeast := k.Value(i); v != 0 || atLeast || k.Preceded(i, k.time) {
			t.Errorf("counter %d: %d %v", i, v, atLeast)
		}
	}

	// A crash before they are deleted: they are not forgotten.
	k.write()
	if err := k.reload(k.layout); err != nil {
		t.Fatal(err)
	}
	if again := k.Orphans(nil); len(again) != len(parts) {
		t.Errorf("%d parts of %d after reading", len(again), len(parts))
	}
	k.Deleted(k.Orphans(nil)[:2])
	k.write()
	if err := k.reload(k.layout); err != nil {
		t.Fatal(err)
	}
	if again := k.Orphans(nil); len(again) != len(parts)-2 {
		t.Errorf("%d parts left of %d", len(again), len(parts))
	}
	k.Deleted(k.Orphans(nil))
	if again := k.Orphans(nil); len(again) != 0 {
		t.Errorf("%d parts after all were deleted", len(again))
	}
}

// What is in use again when the news of the deletion comes is not forgotten.
func TestDeletedLate(t *testing.T) {
	k := newKept(&Layout{
		Counters: []Spec{{ID: 1, Op: Sum, Step: 1, N: 100}, {ID: 2, Op: Distinct, Step: 1, N: 100, Cap: 100}},
		Sizes:    Sizes{Inline: 1, Chunk: 1, History: 2},
	})
	fill := func(from int64) {
		t.Helper()
		for n := range int64(10) {
			for i := range 2 {
				if _, err := k.event(i, from+n, uint64(n), 1); err != nil {
					t.Fatal(err)
				}
			}
		}
		k.write()
	}
	fill(0)
	k.Advance(1000)
	orphans := k.Orphans(nil)
	fill(1000)
	k.Deleted(orphans)
	if parts := k.Shrink(nil); len(parts) != len(orphans) || len(parts) < 10 {
		t.Errorf("%d parts, %d before", len(parts), len(orphans))
	}
}
