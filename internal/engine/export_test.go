package engine

// What only tests ask.

// Queued is how many dates a replay keeps of clears that may be due.
func (r *Replay) Queued() int { return len(r.Queue) }
