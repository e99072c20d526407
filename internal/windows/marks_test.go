package windows

import "testing"

func TestMarks(t *testing.T) {
	l := &Layout{Rules: []uint64{5, 6}}
	k := newKept(l)
	f := func(m Mark, marked bool) {
		t.Helper()
		k.SetMark(1, m)
		k.write()
		for _, other := range []*Layout{{}, {Rules: []uint64{6, 7, 5}}, {Rules: []uint64{9}}, l} {
			if err := k.reload(other); err != nil {
				t.Fatal(err)
			}
			if k.Marked() != marked {
				t.Errorf("%+v: marked %v", m, !marked)
			}
			if k.write(); k.Writer() != 9 {
				t.Errorf("writer %d", k.Writer())
			}
		}
		if k.Mark(1) != m || k.Mark(0) != (Mark{}) {
			t.Errorf("%+v, want %+v", k.Mark(1), m)
		}
		if k.SetMark(1, m); k.Changed() {
			t.Error("changed by the same mark")
		}
	}
	f(Mark{}, false)
	f(Mark{Level: 0, Episode: 1}, false)
	f(Mark{Level: 1, Episode: 0}, true)
	f(Mark{Level: 10_000, Episode: 1}, true)
	f(Mark{Level: 0, Episode: 2}, true)
	f(Mark{Level: 1<<64 - 1, Episode: 1<<64 - 1}, true)
}
