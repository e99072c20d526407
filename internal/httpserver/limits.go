package httpserver

// Limits: what clients may take. DESIGN.md has each of them, with what happens at it.
const (
	// maxConnections is how many connections may be open, where the system lets the process have four times as many
	// descriptors. The one that is missed least is closed.
	maxConnections = 256

	// maxBody is the most that a request may carry, in bytes. Nothing that is served needs any of it. A larger one is refused.
	maxBody = 64 << 10

	// pausesAtOnce is how many wrong tokens may wait for their answer at a time, as they hold connections. A client that
	// comes when all places are taken is answered at once; the right token never waits.
	pausesAtOnce = 8
)
