// Package gen makes events of content spreading, the same ones for the same seed.
//
// A Generator's incidents and accounts follow Zipf's law. Two of three incidents are busy for a
// third of the span and keep 15 % of their traffic otherwise, so that crossings are spread. Times
// are up to Jitter out of order; some records are sent again 1 to 50 records later in their
// partition. With 2 million events or more, some subject crosses each rule of the built-in pack.
// Where a rule has several levels, subjects cross it at several of them. Malformed, ahead and late
// records are mixed in on demand.
//
// An Even makes simple events that fall on all incidents alike, for curves.
//
// Units: times are Unix milliseconds in records, shares are fractions of all records.
package gen
