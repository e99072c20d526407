package client

const (
	// mostAnswer is the longest answer that is read: a thousand crossings of the largest kind are a part of it.
	mostAnswer = 64 << 20
	// mostLine is the longest line of the stream: a status of ten thousand partitions is a part of it.
	mostLine = 16 << 20
	// pageMost is how many items of a list are asked for at once: as many as the API gives.
	pageMost = 1_000
)
