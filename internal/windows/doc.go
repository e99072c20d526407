// Package windows counts: a Subject holds the sliding counters of one subject, their arithmetic and
// their bytes. Package store keeps those bytes. Nothing here reads a clock or does I/O: time is the
// events'.
//
// Times are Unix nanoseconds. A counter of window w and step s has n = w/s; at time T it covers the
// bucket of T and the n before it. Buckets are aligned to the epoch (UTC).
//
// A subject is a record, which holds nearly everything, and parts with keys of their own for what
// is large: closed buckets, and members in chunks. What it counts and what it looks like depend on
// its events and their order alone. They never depend on what was loaded when or how many events
// were written together.
package windows
