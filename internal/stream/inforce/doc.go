// Package inforce knows which rules were in force, and from where on in the log. Packs and limits change, while what was
// announced by them stays. Whoever counts the log again has to know by which rules each part of it was decided.
//
// Rules is all that decides what becomes of an event. Its id is a hash of it. A History says for a partition of a shard from
// which offset on which rules decided. It stands in the shard, beside the fence, so that a store which goes back in time takes both back.
// Kept has, in shard 0, the rules by their ids and the texts of their packs by their hashes.
//
// Offsets are those of Kafka; times are Unix milliseconds of the process's clock.
package inforce
