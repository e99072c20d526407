package thresholds

import "slices"

// Next appends the levels above announced that v reaches, rising: those to
// announce now, each with a crossing of its own.
func (r *Rule) Next(announced Level, v []Value, dst []Level) []Level {
	for _, l := range r.Levels {
		if l <= announced {
			continue
		}
		if !r.Reaches(l, v) {
			break
		}
		dst = append(dst, l)
	}
	return dst
}

// Clears reports whether v ends an episode: progress is under Clear, and no value is a lower bound.
// (The true value of a lower bound may not be under it.) A rule without Clear never clears.
func (r *Rule) Clears(v []Value) bool {
	if slices.ContainsFunc(v, func(x Value) bool { return x.AtLeast }) {
		return false
	}
	return r.Progress(v) < uint64(r.Clear)
}
