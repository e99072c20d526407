package oracle

import "time"

// Adopt goes on with other packs, given as New's. A subject's next event is decided by all of their rules. What others have announced waits
// for an Adopt that has them again.
func (o *Oracle) Adopt(packs ...[]byte) error {
	if err := o.replace(packs); err != nil {
		return err
	}
	o.armed, o.nextClear = map[watch]time.Time{}, time.Time{}
	for _, byID := range o.subjects {
		for _, s := range byID {
			s.anew = true
			for _, r := range o.rules {
				if r.by == s.by && s.state(r).announced != nil {
					o.arm(s, r)
				}
			}
		}
	}
	return nil
}

// replace reads the packs. Counters that are defined as before are the same.
func (o *Oracle) replace(packs [][]byte) error {
	known := map[string]*counter{}
	for _, r := range o.rules {
		for _, l := range r.limits {
			for c := l.counter; c != nil; c = c.after {
				known[c.identity()] = c
			}
		}
	}
	o.rules = nil
	for _, pack := range packs {
		rules, err := readPack(pack, known)
		if err != nil {
			return err
		}
		o.rules = append(o.rules, rules...)
	}
	for i, r := range o.rules {
		r.order, r.first = i, r
	}
	setCaps(o.rules, o.options.MaxMembers)
	o.index(known)
	return nil
}
