package shard

import (
	"bytes"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// at is a position at an offset, which an event of that many nanoseconds was the newest before.
func at(offset int64) position.Position { return position.Position{Offset: offset, Newest: offset} }

// fence is the stored form of a position.
func fence(m position.Position) []byte { return m.AppendFence(nil, 7) }

// twoPartitions are positions of shard 1 of two, of two partitions, of which the first stands at 5.
func twoPartitions() (positions, *Assignment) {
	ps := newPositions(1, windowstore.NewMem(2).Keys(), []position.TopicPartition{{Topic: "a"}, {Topic: "b"}})
	l := NewAssignment("a", 0, 0, 2)
	ps.begin(l, fence(at(5)), at(5))
	return ps, l
}

// TestPositionsBegin: where a partition stands once it begins, and whether all go back to their fences.
func TestPositionsBegin(t *testing.T) {
	for name, c := range map[string]struct {
		applied int64 // up to where the partition was applied
		again   bool  // the same assignment begins again
		fence   int64
		rewound bool
		at      int64
		stands  bool
	}{
		"again, at the fence":         {applied: 8, again: true, fence: 5, at: 8, stands: true},
		"again, where it stands":      {applied: 8, again: true, fence: 8, at: 8, stands: true},
		"again, beyond where it is":   {applied: 8, again: true, fence: 9, at: 5, rewound: true},
		"another, without an end":     {applied: 8, fence: 5, at: 5, rewound: true, stands: true},
		"another, and a later fence":  {applied: 8, fence: 9, at: 9, rewound: true, stands: true},
		"another, and an older fence": {applied: 8, fence: 2, at: 2, rewound: true, stands: true},
	} {
		ps, l := twoPartitions()
		ps.states[0].move(at(c.applied))
		next := l
		if !c.again {
			next = NewAssignment("a", 0, 0, 2)
		}
		rewound := ps.begin(next, fence(at(c.fence)), at(c.fence))
		p := &ps.states[0]
		if rewound != c.rewound || p.at.Offset != c.at || p.stands != c.stands {
			t.Errorf("%s: rewound %v, at %d, stands %v", name, rewound, p.at.Offset, p.stands)
		}
		if asked := len(l.Restart) > 0; asked != c.rewound {
			t.Errorf("%s: the assignment is asked to restart: %v", name, asked)
		}
	}
}

// TestPositionsStored: the assignment knows up to where the shard has stored, and a partition that ended is another's.
func TestPositionsStored(t *testing.T) {
	ps, l := twoPartitions()
	if got := l.stored[1].Load(); got != 5 || l.stored[0].Load() != -1 {
		t.Errorf("begun at 5, stored up to %d, by another shard %d", got, l.stored[0].Load())
	}
	ps.states[0].move(at(9))
	ps.stored(0, fence(at(9)))
	p := &ps.states[0]
	if got := l.stored[1].Load(); got != 9 || p.fence.Offset != 9 || !bytes.Equal(p.stored, fence(at(9))) {
		t.Errorf("stored up to 9, told %d, fence %d", got, p.fence.Offset)
	}
	if ps.end(NewAssignment("a", 0, 0, 2)); !p.stands {
		t.Error("an assignment that the partition does not have ended it")
	}
	if ps.end(l); p.stands || p.assignment != nil {
		t.Error("not ended")
	}
}

// TestPositionsMismatch: a fence that is not what was written is found, if the partition is ours; it means one of three things.
func TestPositionsMismatch(t *testing.T) {
	ps, _ := twoPartitions()
	if _, p := ps.mismatch([][]byte{fence(at(5)), fence(at(70))}); p != nil {
		t.Error("another's fence is taken for ours")
	}
	for found, c := range map[string]struct {
		stored []byte
		want   difference
	}{
		"none":      {nil, difference{"none: the store lost it", true, 0}},
		"older":     {fence(at(4)), difference{"an older one: the store went back", true, 4}},
		"another's": {at(5).AppendFence(nil, 8), difference{"another owner's", false, 5}},
		"later":     {fence(at(6)), difference{"another owner's", false, 6}},
	} {
		i, p := ps.mismatch([][]byte{c.stored, nil})
		if p == nil || i != 0 || p.difference(c.stored) != c.want {
			t.Errorf("%s: %d, %v", found, i, p)
		}
	}
}

// TestPositionsAdopt: of others it has what is stored, as far as that is trusted; of ours what was applied.
func TestPositionsAdopt(t *testing.T) {
	ps, _ := twoPartitions()
	trusted := func(_ int, m position.Position) position.Position {
		m.Seen = 1
		return m
	}
	reached := func() int64 {
		r := ps.reach()
		return r.Time()
	}
	if got := reached(); got != engine.NoTime {
		t.Errorf("the stream is at %d, though of one partition nothing is known", got)
	}
	ps.adopt([][]byte{fence(at(3)), fence(at(4))}, trusted)
	if ps.states[0].at != at(5) || ps.states[1].at.Offset != 4 || ps.states[1].at.Seen != 1 || reached() != 4 {
		t.Errorf("at %+v and %+v", ps.states[0].at, ps.states[1].at)
	}
	if ps.adopt([][]byte{nil, []byte("damaged")}, trusted); ps.states[1].at.Offset != 4 {
		t.Error("a fence that cannot be read is taken")
	}
	if ps.adopt([][]byte{nil, nil}, trusted); ps.states[1].at.Newest != engine.NoTime {
		t.Error("a fence that is gone is not")
	}
	ps.states[0].at.Since, ps.states[1].at.Since = 3, 2
	if ps.states[0].move(at(6)); ps.since() != 3 {
		t.Errorf("counts are whole since %d, want 3", ps.since())
	}
}
