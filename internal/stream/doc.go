// Package stream is the way of an event: from a Kafka record to counters, to
// crossings, to the topic they are announced on.
//
// The inner half knows no Kafka: Compile makes a Program of the loaded packs,
// a matcher turns an event into operations on subjects, and apply carries one
// operation out on one subject. Replay, the packs' tests and the service use
// the same code. The outer half is the service: a goroutine for each
// partition reads and matches, a goroutine for each shard applies and commits,
// a relay for each shard publishes what was committed.
//
// Times are Unix nanoseconds, Kafka's timestamps and the partitions' clocks are
// milliseconds.
package stream
