package roster

import "maps"

// Rates is how many records a process has read lately, and what became of them, a second. Late are operations: an event may be
// late for several subjects.
type Rates struct {
	Events    float64 `json:"events"`
	Duplicate float64 `json:"duplicate"`
	Malformed float64 `json:"malformed"`
	Ahead     float64 `json:"ahead"`
	Late      float64 `json:"late"`
	Unmatched float64 `json:"unmatched"`
}

func (r *Rates) add(o *Rates) {
	r.Events += o.Events
	r.Duplicate += o.Duplicate
	r.Malformed += o.Malformed
	r.Ahead += o.Ahead
	r.Late += o.Late
	r.Unmatched += o.Unmatched
}

// freshLooks is after how many looks without a beat the rates of a process are not added any more: 9 s.
const freshLooks = 3

// sum adds up the rates of the process itself and of the others that were heard of lately.
func (r *Roster) sum() *Rates {
	all := Rates{}
	if own := r.Self.Rates; own != nil {
		all.add(own)
	}
	for _, s := range r.seen {
		if s.Rates != nil && s.fresh() {
			all.add(s.Rates)
		}
	}
	return &all
}

// fresh reports whether the process was heard of lately.
func (s *sighting) fresh() bool { return s.moved && s.missed <= freshLooks }

// sumUnannounced adds up, in the same way, how many subjects are at a level that was not announced. It is not known, nil, as long as a
// process has not scanned its shards by its rules.
func (r *Roster) sumUnannounced() *map[string]int {
	if r.Self.Unannounced == nil {
		return new(map[string]int)
	}
	all := maps.Clone(r.Self.Unannounced)
	for _, s := range r.seen {
		if s.fresh() {
			if s.Unannounced == nil {
				return new(map[string]int)
			}
			for rule, n := range s.Unannounced {
				all[rule] += n
			}
		}
	}
	return &all
}

// AllUnannounced is how many subjects of the deployment are at a level that was not announced, by rule, without those of which there are none,
// as last looked at; nil: it is not known.
func (r *Roster) AllUnannounced() map[string]int {
	if all := r.unannounced.Load(); all != nil {
		return *all
	}
	return nil
}

// Rates are those of all processes together, as last looked at; nil: nobody has looked yet.
func (r *Roster) Rates() *Rates { return r.rates.Load() }
