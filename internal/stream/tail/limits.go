package tail

// Limits: what the tail keeps. DESIGN.md has each of them, with what happens at it.
const (
	// DefaultMost is how many crossings are kept; http.crossings in the config.
	DefaultMost = 10_000
	// mostBytes is what their records may take together, in bytes. A record takes some 1,100 with an id of usual length, and
	// 3,000 with the longest ids.
	mostBytes = 32 << 20
	// FetchBytes is how much is read of a partition at once, in bytes. A batch that is larger is read all the same.
	FetchBytes = 64 << 10
)
