package verify

// Limits: how much of the log and of the store is read at once. DESIGN.md has each of them, with what happens at it.
const (
	// recountTogether is how much of a partition, in ms of Kafka timestamps, is read before the
	// partition that comes next.
	recountTogether = 1_000

	// recountMost is how many records of a partition are read at once.
	recountMost = 1_000

	// verifyTogether is how many records of the store are read at one moment, with the fences.
	verifyTogether = 500
)
