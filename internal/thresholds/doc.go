// Package thresholds decides: it reads packs of rules, says how far a subject
// is to a limit, which levels that reaches, when an episode ends, and what the
// record of a crossing looks like. It is pure: no I/O and no clock. Of this
// program it knows strictyaml, which reads the packs, and humanize. Fields of
// events are known here by name only.
//
// Levels and progress are integers in 1/10,000 of the limit; nothing is
// decided in floating point. Times are Unix nanoseconds, windows and steps
// whole seconds.
package thresholds
