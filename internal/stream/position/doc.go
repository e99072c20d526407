// Package position has places in the log of a partition, as partitions, shards and the store tell them to each other. It is pure:
// no context, no store, no clock.
//
// A Position lies between two records, and has the clocks of its partition there. As stored it is a fence: bytes that a commit
// compares. Reach is the time of the stream, by the positions of all partitions.
//
// Offsets are those of Kafka. Times are Unix nanoseconds, clocks of partitions milliseconds; engine.NoTime stands for none. A time
// since which counts are whole is 0 where all is counted.
package position
