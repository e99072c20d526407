package windows

// Limits: what a counter and its record may hold. DESIGN.md has each of them, with what happens at it.
const (
	// MaxValue is the largest value of a counter, 2^53 - 1.
	MaxValue = 1<<53 - 1

	// maxBuckets is the largest N of a Spec: members keep their bucket as an
	// offset of 32 bits, which must hold a whole window.
	maxBuckets = 1 << 30

	// maxChunks bounds what is allocated for a bad record; it is 16 million members.
	maxChunks = 1 << 17

	// maxForeign bounds the work on a bad record.
	maxForeign = 1 << 12
)
