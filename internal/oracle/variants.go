package oracle

// variants are rules that change while events are applied. They count the same: each has the same counters. A rule that clears is in
// all of them, with the same limits and the same clear, so it does not matter by which of them a silent subject is cleared.
type variants struct {
	rules  [][]*rule // of each
	firsts []*rule   // all rules, each mark once
	choose func(by, subject string) int
}

// Variants returns an oracle for rules that change: each variant is the YAML of a pack. Choose says by which of them the next event is
// decided for a subject. What is counted at the end is shown by the first variant.
func (opt Options) Variants(packs ...[]byte) (*Oracle, error) {
	known, v := map[string]*counter{}, &variants{}
	o, err := opt.New()
	if err != nil {
		return nil, err
	}
	firsts := map[mark]*rule{}
	for _, pack := range packs {
		rules, err := readPack(pack, known)
		if err != nil {
			return nil, err
		}
		for i, r := range rules {
			r.order, r.first = i, firsts[r.mark()]
			if r.first == nil {
				r.first, firsts[r.mark()] = r, r
				v.firsts = append(v.firsts, r)
			}
		}
		setCaps(rules, o.options.MaxMembers)
		v.rules = append(v.rules, rules)
	}
	o.rules, o.variants = v.rules[0], v
	o.index(known)
	return o, nil
}

// Choose is Fresh, with the variant of the rules chosen for each subject of each event.
func (o *Oracle) Choose(choose func(by, subject string) int) *Oracle {
	fresh, v := o.Fresh(), *o.variants
	v.choose = choose
	fresh.variants = &v
	return fresh
}

// rulesFor are the rules that decide the event under way for a subject, and whether they are others than for its last one.
func (o *Oracle) rulesFor(s *subject) (rules []*rule, changed bool) {
	if o.variants == nil || o.variants.choose == nil {
		changed, s.anew = s.anew, false
		return o.rules, changed
	}
	n := o.variants.choose(s.by, s.id)
	changed = n != s.last
	s.last = n
	return o.variants.rules[n], changed
}

// clearing are the rules that may clear.
func (o *Oracle) clearing() []*rule {
	if o.variants == nil {
		return o.rules
	}
	return o.variants.firsts
}
