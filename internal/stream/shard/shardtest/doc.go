// Package shardtest has shards count lines of events, without a service and without Kafka, for
// tests of a shard and of what works beside it.
package shardtest
