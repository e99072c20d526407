package store

// Limits: what a commit may carry. DESIGN.md has each of them, with what happens at it.
const (
	// The most that a commit may carry: keys, and bytes. Lua's unpack takes under 8,000 values, so one MSET holds under 4,000
	// keys; and a commit blocks Redis while it runs. A batch is committed before it has more.
	MaxCommitKeys  = 3_900
	MaxCommitBytes = 1 << 20
)
