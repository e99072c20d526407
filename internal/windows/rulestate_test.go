package windows

import "testing"

func TestRuleStates(t *testing.T) {
	l := &Layout{Rules: []uint64{5, 6}}
	k := newKept(l)
	f := func(m RuleState, announced bool) {
		t.Helper()
		k.SetRuleState(1, m)
		k.write()
		for _, other := range []*Layout{{}, {Rules: []uint64{6, 7, 5}}, {Rules: []uint64{9}}, l} {
			if err := k.reload(other); err != nil {
				t.Fatal(err)
			}
			if k.Announced() != announced {
				t.Errorf("%+v: announced %v", m, !announced)
			}
			if k.write(); k.Writer() != 9 {
				t.Errorf("writer %d", k.Writer())
			}
		}
		if k.RuleState(1) != m || k.RuleState(0) != (RuleState{}) {
			t.Errorf("%+v, want %+v", k.RuleState(1), m)
		}
		if k.SetRuleState(1, m); k.Changed() {
			t.Error("changed by the same state")
		}
	}
	f(RuleState{}, false)
	f(RuleState{Level: 0, Episode: 1}, false)
	f(RuleState{Level: 1, Episode: 0}, true)
	f(RuleState{Level: 10_000, Episode: 1}, true)
	f(RuleState{Level: 0, Episode: 2}, true)
	f(RuleState{Level: 1<<64 - 1, Episode: 1<<64 - 1}, true)
}
