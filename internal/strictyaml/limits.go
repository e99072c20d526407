package strictyaml

// Limits: what a file may have. DESIGN.md has each of them, with what happens at it.
const (
	// MaxBytes is the most bytes of a file, forty times the largest built-in pack.
	MaxBytes = 1 << 20

	// maxVisited bounds the values looked at in one file. A file of 1 MiB holds
	// some 500,000; only aliases of aliases make more.
	maxVisited = 1_000_000

	// maxFaults bounds what is reported of one file, once for faults and once for
	// warnings. Nobody reads more, and a file of 1 MiB could hold 500,000.
	maxFaults = 1_000
)
