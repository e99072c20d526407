// Package listing keeps lists of the subjects that are near a limit, and reads them: for each rule
// and shard, the nearest first. A list is a hint beside the records. It is written after the commit
// that changed a subject, never in it, and no commit waits for it. What is shown of a subject is read
// from its record.
//
// A Lister writes. Shards give it the rows that their commits changed, and it writes them every half
// second. The janitor's scan has it compare the lists with the records. A Reader reads.
//
// Progress is in 1/10,000 of the limit, times in nanoseconds, as in package engine.
package listing
