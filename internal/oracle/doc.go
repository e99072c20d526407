// Package oracle says what the program must answer, in the dumbest way that still ends.
//
// It reads rule packs and events by itself and decides with [math/big.Rat]. It shares no code with
// the packages it judges, so that a mistake there is not repeated here. Packs are taken as valid.
// Of events, only what is clearly malformed is recognised as such.
//
// There are two ways of counting, which the tests compare with each other. [Options].Plain keeps
// every event of a subject and counts by looping over all of them at every question. The other
// keeps maps from bucket to sum and from key to bucket, and is fast enough for some millions of
// events.
//
// The answers are those of the command replay: one partition, clears of silent subjects at the
// event that makes them due. [Oracle.ApplyTo] takes several partitions; then counts are comparable,
// and the crossings of subjects that one partition feeds.
//
// At the cap of a distinct counter a key of the oldest bucket makes room: among several, the key
// that came first to that bucket. Another choice among them, or among the buckets, may change what
// is counted later for that subject. It decides which keys are still there when the window moves
// on, hence value, at_least and a clear's date. [Oracle.Displaced] names such subjects.
//
// An event is a bare JSON object or a structured CloudEvent, without a mapping of types; headers
// are not read.
//
// Units: times are [time.Time]; Kafka timestamps are Unix milliseconds; steps and windows are
// seconds.
package oracle
