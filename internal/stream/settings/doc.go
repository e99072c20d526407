// Package settings keeps what a store was made with: the number of shards, the key of fingerprints, whose the store is, and the
// like. Each setting is chosen once, by the process that comes first. With another one, what is stored would mean something
// else, so every later process compares. What a store lost is written again.
package settings
