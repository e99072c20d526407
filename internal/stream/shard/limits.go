package shard

// Limits: what a shard and its chunks may hold. DESIGN.md has each of them, with what happens at it.
const (
	// ChunkOps, chunkText and chunkAdds are what a chunk may hold before it is sent: as much as the
	// set of a fetch mostly has for a shard. More comes only of a set that was compressed well, ids
	// that are long, or a pack in which an event feeds many counters. The chunk is sent and the
	// next one begun.
	ChunkOps  = 2_048        // operations
	chunkText = 128 << 10    // bytes
	chunkAdds = 4 * ChunkOps // additions to counters

	// chunksPerShard is how many chunks an assignment has for each shard: one being filled, one under way. A partition whose
	// chunks are all under way waits, so that it lags.
	chunksPerShard = 2

	// canaryRoom is how many entries of an outbox may wait before canaries get none: where crossings cannot be published, canaries must
	// not take their room.
	canaryRoom = 100

	// Queue is how many messages may wait for a shard. Chunks are bounded by their assignments. This only keeps partitions from
	// waiting for each other's sends.
	Queue = 64

	// MaxLoadKeys is how many keys a read asks for at once, and a part beside each record where it
	// wants both. So Redis is not held up for more than about a millisecond. More are read one call
	// after the other.
	MaxLoadKeys = 1_000

	// BatchSubjects is how many subjects the batches of all shards may change, some 50 MB. One
	// shard may change at least BatchSubjectsLeast. A batch that has so many is committed.
	BatchSubjects      = 41_600
	BatchSubjectsLeast = 200

	// KeptOperations bounds, for each shard, the operations kept to be applied again when another process was faster; some 100 B
	// each. A batch that has so many is committed.
	KeptOperations = 8_192

	// DeferredMost is how many crossings of a backlog are committed at once: the outbox, which is bounded, sees what comes.
	DeferredMost = 100

	// sharedCommits is for how many commits without a conflict a subject counts as written by other processes too. A batch
	// leaves room for those.
	sharedCommits = 16

	// DefaultCacheBytes is what all shards of a process keep in memory of subjects between batches. Beyond it any are dropped, and
	// read again from the store when an event comes.
	DefaultCacheBytes = 128 << 20
)
