package notify

const (
	// windowEntries is how many crossings of a partition are read and not yet done.
	windowEntries = 1_000
	// windowBytes is how much memory they take, about.
	windowBytes = 2 << 20
	// windowSpan is how many offsets there are from the first that is not done to the last that is: a bit for each fits into a note.
	windowSpan = 8_192
	// parallel is how many requests a sink gets at once from one process.
	parallel = 8
)
