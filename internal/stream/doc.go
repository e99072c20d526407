// Package stream is the service: it reads events from Kafka, counts them, and publishes crossings.
//
// It wires what its folders have. A goroutine for each partition reads and matches (partition), and
// one for each shard applies and commits (shard). One for each outbox publishes (outbox), and one
// looks after subjects for which nothing comes (janitor). What is here is the consumer group and
// its generations, what is checked and noted at the start, and the life of it all.
//
// Times are Unix nanoseconds, Kafka's timestamps and the clocks of partitions are milliseconds.
package stream
