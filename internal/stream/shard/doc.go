// Package shard counts: a Shard has the subjects of one shard, and applies the operations that
// partitions send it. It commits them in one atomic write together with the positions up to which
// it has them.
//
// Partitions send a Chunk, the operations of a stretch of the log, in a Message. An Assignment is
// what a partition and the shards share for as long as the group leaves it with this process.
package shard
