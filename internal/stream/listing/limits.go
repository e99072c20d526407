package listing

// Limits: what lists hold, and how much is done at once. DESIGN.md has each of them, with what happens at it.
const (
	// DefaultMost is how many rows a list of a rule and shard has, index.max: the nearest. A row takes some 200 bytes in Redis,
	// and up to 500 where the subject's progress changes all the time.
	DefaultMost = 100_000

	// waitingMost is how many rows of a shard wait to be written, some 150 bytes each. What does not fit is left to the subject's
	// next commit, or to the scan.
	waitingMost = 10_000

	// writeMost is how many rows are written, or subjects looked at, in one call, so that Redis is not held up for more than
	// about a millisecond.
	writeMost = 500

	// sightsMost is how many sights are kept of a row: one in two minutes of an hour, and some of the time when it came.
	sightsMost = 40

	// lookMost is how many rows a Reader looks at together, at most, more than it has still to find. It begins with few, as most pages want no more.
	lookMost = 500

	// examineMost is how many rows a Reader looks at for one page. If so many do not fit what was asked for, the page is shorter.
	examineMost = 2_000
)
