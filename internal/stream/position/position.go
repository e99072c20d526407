package position

// Position is a place in a partition's log, between two records, with the
// partition's clocks there.
type Position struct {
	Offset int64  // the next record's
	Clock  int64  // running maximum of the Kafka timestamps before it, ms; NoTime: none
	Newest int64  // newest time matched before it, ns; NoTime: none
	Seen   int64  // newest time of any event looked at, also of an event that waits to be taken, ns; NoTime: none
	Pack   uint64 // hash of the program that read up to it
	Idle   bool   // the partition was caught up and silent for a minute: the stream's time goes on without it
	Ended  bool   // it was caught up: nobody waits for it
	Held   bool   // it waits for other partitions
	Since  int64  // of a shard: older events of the partition may not be counted, the log no longer had them, ns; 0: all are
}

// AtStart is the position as the start of a new reading. What it says of the end of the log was
// true for the reader before.
func (p Position) AtStart() Position {
	p.Idle, p.Ended, p.Held = false, false, false
	return p
}

// TopicPartition names a partition.
type TopicPartition struct {
	Topic     string
	Partition int // from 0
}
