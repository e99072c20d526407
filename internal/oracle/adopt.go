package oracle

import "time"

// mark is what a rule has announced for a subject: under its id, and apart while it is a shadow rule.
type mark struct {
	by, subject, rule string
	shadow            bool
}

// announcement is that: the highest level in this episode, and the episode.
type announcement struct {
	level   level
	episode int
}

// Adopt goes on with other packs, given as New's. What rules have announced that are not among them waits for an Adopt that has them
// again.
func (o *Oracle) Adopt(packs ...[]byte) error {
	if o.left == nil {
		o.left = map[mark]announcement{}
	}
	for _, s := range o.allSubjects() {
		for r, st := range s.states {
			a := announcement{episode: st.episode}
			if st.announced > 0 {
				a.level = r.levels[st.announced-1]
			}
			o.left[mark{s.by, s.id, r.id, r.shadow}] = a
		}
		s.states, s.anew = map[*rule]state{}, true
	}
	if err := o.replace(packs); err != nil {
		return err
	}
	o.armed, o.nextClear = map[watch]time.Time{}, time.Time{}
	for _, s := range o.allSubjects() {
		for _, r := range o.rules {
			m := mark{s.by, s.id, r.id, r.shadow}
			if a, ok := o.left[m]; ok {
				delete(o.left, m)
				o.resume(s, r, a)
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
		r.order = i
	}
	setCaps(o.rules, o.options.MaxMembers)
	o.index(known)
	return nil
}

// resume makes a subject be where a rule left it.
func (o *Oracle) resume(s *subject, r *rule, a announcement) {
	st := state{episode: a.episode}
	for _, l := range r.levels {
		if a.level.rat != nil && l.rat.Cmp(a.level.rat) <= 0 {
			st.announced++
		}
	}
	s.states[r] = st
	if st.announced > 0 {
		o.arm(s, r)
	}
}

func (o *Oracle) allSubjects() (all []*subject) {
	for _, byID := range o.subjects {
		for _, s := range byID {
			all = append(all, s)
		}
	}
	return all
}
