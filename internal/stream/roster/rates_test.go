package roster

import "testing"

func TestRates(t *testing.T) {
	rates := func(r *Roster) float64 {
		if x := r.Rates(); x != nil {
			return x.Events
		}
		return -1
	}
	own, other := &Rates{Events: 3, Late: 1}, &Rates{Events: 4}
	r := &Roster{seen: map[string]*sighting{
		"lives":  {record: record{Process: Process{Rates: other}}, moved: true, missed: freshLooks},
		"silent": {record: record{Process: Process{Rates: other}}, moved: true, missed: freshLooks + 1},
		"found":  {record: record{Process: Process{Rates: other}}},
		"before": {moved: true}, // a version that does not tell
	}}
	if got := rates(r); got != -1 {
		t.Errorf("before anybody looked: %v", got)
	}
	r.Self.Rates = own
	r.rates.Store(r.sum())
	if got := rates(r); got != 7 || r.Rates().Late != 1 {
		t.Errorf("got %v", got)
	}
}
