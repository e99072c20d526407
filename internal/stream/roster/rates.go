package roster

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
		if s.Rates != nil && s.moved && s.missed <= freshLooks {
			all.add(s.Rates)
		}
	}
	return &all
}

// Rates are those of all processes together, as last looked at; nil: nobody has looked yet.
func (r *Roster) Rates() *Rates { return r.rates.Load() }
