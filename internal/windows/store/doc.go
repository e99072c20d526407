// Package store keeps bytes under keys, in shards: fenced, versioned, and written in one
// step. Store is the contract, Mem keeps it in memory, and package redis in a Redis. A store
// computes nothing and reads no clock.
//
// Keys names every key there is, and ShardOf the shard that a subject belongs to.
package store
