package roster

import (
	"maps"
	"testing"
)

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

// TestAllUnannounced: what processes tell is added up, of those that were heard of lately.
func TestAllUnannounced(t *testing.T) {
	r := &Roster{Options: Options{Self: Process{Unannounced: map[string]int{"a": 1, "b": 2}}}, seen: map[string]*sighting{
		"lives":  {record: record{Process: Process{Unannounced: map[string]int{"b": 3, "c": 4}}}, moved: true, missed: freshLooks},
		"silent": {record: record{Process: Process{Unannounced: map[string]int{"d": 5}}}, moved: true, missed: freshLooks + 1},
	}}
	if got := r.AllUnannounced(); got != nil {
		t.Errorf("before anybody looked: %v", got)
	}
	r.unannounced.Store(r.sumUnannounced())
	if got, want := r.AllUnannounced(), map[string]int{"a": 1, "b": 5, "c": 4}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if len(r.Self.Unannounced) != 2 {
		t.Error("its own was changed")
	}
}
