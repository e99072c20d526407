package janitor

// Limits: how much a sweep and a scan take at once. DESIGN.md has each of them, with what happens at it.
const (
	// sweepMost is how many silent subjects one message to a shard names, and how many records one step of a scan looks at. The rest
	// comes with the next one.
	sweepMost = 200

	// recomputeMost is for how many subjects of a shard that may clear a scan has the date worked out again: ten seconds of sweeps. Those are
	// drawn at random; the others keep their dates until the next scan.
	recomputeMost = 10 * sweepMost
)
