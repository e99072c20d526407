package event

// A producer writes the members of its events in one order. So the member that followed another
// last time is tried first: one comparison in place of a scan and a look-up. BenchmarkMemberName
// compares the two.

// predicted returns the member that followed the previous one last time, if its name and colon
// stand at b[i] without white space. Otherwise it returns unknown.
func (d *Decoder) predicted(b []byte, i int, previous member) member {
	m := d.follow[previous]
	if m == unknown {
		return unknown
	}
	quoted := specs[m].quoted
	if len(b)-i < len(quoted) || string(b[i:i+len(quoted)]) != quoted {
		return unknown
	}
	return m
}

// learn notes which member followed the previous one.
func (d *Decoder) learn(previous, m member) { d.follow[previous] = m }
