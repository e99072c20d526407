// Package partition reads. A Partition reads one partition of an event topic, decides what each record is, and sends the
// operations to the shards. What is no event goes to the dead-letter topic. A Recounting reads a partition once more, for verify.
//
// A partition begins at its fences, and reads back the ids of the window before them. Offsets are those of Kafka; clocks are
// milliseconds, times nanoseconds.
package partition
