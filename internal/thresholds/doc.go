// Package thresholds decides. It reads packs of rules, and computes how far a subject is to a
// limit, which levels that reaches and when an episode ends. It also makes the record of a
// crossing. It is pure: no I/O and no clock. Of this program it knows strictyaml, which reads the
// packs, and humanize. Fields of events are known here by name only.
//
// Levels and progress are integers in 1/10,000 of the limit; nothing is decided in floating point.
// Times are Unix nanoseconds, windows and steps whole seconds.
package thresholds
