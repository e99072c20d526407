package canary

// Limits: what canaries may take. DESIGN.md has each of them, with what happens at it.
const (
	// outMost is how many crossings of canaries wait to be published.
	outMost = 1_000

	// backMost is how many records before the end of their topic are read when reading begins.
	backMost = 1_000
)
