package partition

// Limits: what dead letters may take. DESIGN.md has each of them, with what happens at it.
const (
	// lettersAtOnce is the most that the dead letters of a partition take before they are sent, in bytes. They are written before more is
	// read.
	lettersAtOnce = 1 << 20

	// largestLetter is the most that a dead letter takes, in bytes. A topic takes
	// batches of 1 MiB unless it was set up otherwise. An event is at most 64 KiB,
	// so only a record that was never meant as an event is larger. Its value is left out.
	largestLetter = 1_000_000

	// namedTypes is how many types of events are remembered of which the log has said that no rule counts them. Each takes
	// up to 64 bytes.
	namedTypes = 100
)
