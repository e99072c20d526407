package records

// Limits: what a batch and a record may take. DESIGN.md has each of them, with what happens at it.
const (
	// MaxBatch bounds a batch, compressed and decompressed, in bytes. Kafka's default for message.max.bytes is 1 MiB. A larger batch is
	// a dead letter.
	MaxBatch = 64 << 20

	// usualWindow is the window that a batch first has which is not one piece, in bytes. One that refers further back has widestWindow,
	// and all windows of the process take no more than that together. Who needs one waits.
	usualWindow  = 8 << 20
	widestWindow = 1 << 27

	// keepDecoded is how large a buffer for decompressed batches may stay from one batch to the next, in bytes. A larger one is made
	// again.
	keepDecoded = 4 << 20

	// MaxHeaders and MaxHeaderBytes are what a record may have of headers, to have any: how many, and how many bytes they take with their
	// lengths. More of them are left out, and the record is a dead letter.
	MaxHeaders     = 1_000
	MaxHeaderBytes = 64 << 10

	// mostOdd is how many records of a batch may be passed over until the rest is: a batch of 100 KB may have 100 million.
	mostOdd = 100_000
)
