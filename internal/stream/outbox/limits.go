package outbox

// Limits: what an outbox and a relay may hold. DESIGN.md has each of them, with what happens at it.
const (
	// MostEntries is how many crossings a shard's outbox may hold in the store: some 100 MB over 16 shards. At the bound shards stop
	// reading.
	MostEntries = 10_000

	// RelayMost is how many entries are read and published at once; the next ones follow.
	RelayMost = 500

	// RecentMost is how many ids at the end of a partition of the topic are remembered. What was published before them and
	// comes again is published twice.
	RecentMost = 10_000

	// BatchBytes is how much is sent at once, in bytes: brokers take 1 MiB by default. What is more is sent in several requests.
	BatchBytes = 512 << 10
)
