package records

// bounds are what reading holds of a batch at most, whatever batches and records claim.
type bounds struct {
	piece  int   // about how much of a batch is decompressed at once, in bytes
	batch  int64 // how much of one is at all, in bytes
	record int   // the longest record that is handed out whole, in bytes
}

// usual are the bounds. Most batches are one piece: 1 MiB, Kafka's default for message.max.bytes,
// would have to decompress to four times as much to be more. A record of 1 MiB is more than a dead
// letter can carry. A batch ends at 1 GiB, so that a batch of some KB cannot keep a core busy for
// long.
var usual = bounds{piece: 4 << 20, batch: 1 << 30, record: 1 << 20}
