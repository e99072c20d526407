package board

// Limits: what clients of the API may take. DESIGN.md has each of them, with what happens at it.
const (
	// mostItems is how many items a list may have.
	mostItems = 1_000
	// subjectCrossings is how many crossings the page of a subject has, the newest.
	subjectCrossings = 50
	// mostStreams is how many clients may follow the stream. Each holds a connection, and others must find room, as probes.
	mostStreams = 200
	// pageBytes is where a page of crossings ends, in bytes: a thousand records of usual length fit, and the next page has the others.
	pageBytes = 2 << 20
	// blockBytes is how much of an answer is written at a time. A client may take patience for each block.
	blockBytes = 32 << 10
	// unreadBytes is what answers of more than a block may take together that are whole and not read yet. Another one is answered 503.
	unreadBytes = 64 << 20
	// gatherMost is how many pages of subjects are put together at a time, some megabytes each. Others wait.
	gatherMost = 16
	// streamBurst is how many crossings are written to a client at a time.
	streamBurst = 64
	// mostText is the length of an id, a rule's name, a cursor in a query, in bytes. Ids of events have 256 at most, those of
	// crossings some 400.
	mostText = 2_048
)
