package verify

import "slices"

// alike reports whether the rules that decided the subject counted the same events, so that its times are what they would be now.
func (c *comparing) alike() bool {
	return len(c.by.apart) == 0 && (c.eras == nil || c.by.own.within(c.eras[c.kind].takes))
}

// calm reports whether they ended its episodes at the dates at which they would end now: its time moves there.
func (c *comparing) calm() bool {
	return c.eras == nil || (c.by.own | c.by.all).within(c.eras[c.kind].calm)
}

// sameRule reports whether they announced of rule r what it announces now.
func (c *comparing) sameRule(r int) bool {
	return c.eras == nil || c.by.own.within(c.eras[c.kind].same[r]) && c.by.all.within(c.eras[c.kind].quiet[r])
}

// sameCap reports whether they kept as many keys of counter i.
func (c *comparing) sameCap(i int) bool {
	return c.eras == nil || c.by.own.within(c.eras[c.kind].caps[i])
}

// apart reports whether counter i is fed by events that were taken in otherwise.
func (c *comparing) apart(i int) bool { return slices.Contains(c.by.apart, i) }
