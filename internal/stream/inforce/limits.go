package inforce

// Limits: what is kept of the past. DESIGN.md has each of them, with what happens at it.
const (
	// mostEras is how many changes of the rules a history remembers. An era takes some 40 bytes, in each shard and partition.
	mostEras = 64
)
