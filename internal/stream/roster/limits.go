package roster

// Limits: what the records of processes may take. DESIGN.md has each of them, with what happens at it.
const (
	// mostProcesses is how many processes leave a record. Each reads all of them, some 400 bytes each.
	mostProcesses = 128
)
