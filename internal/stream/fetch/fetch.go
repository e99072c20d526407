package fetch

import "context"

// Record is one record of a set. Key, Value and Headers point into the set, or
// into its batch decompressed, and are valid until the next call of Read. A nil
// Key or Value is Kafka's null.
type Record struct {
	Offset    int64
	Timestamp int64 // milliseconds
	Key       []byte
	Value     []byte
	Headers   []Header // reused by the next record; at most 1,000, of 64 KiB together
	Fault     *Fault   // nil: the record is here as it was written
}

// Header is one header of a record.
type Header struct {
	Key, Value []byte
}

// Set is what one fetch of a partition brought: records from an offset on.
type Set struct {
	Next          int64 // the offset to fetch next, after every record of the set, control and compacted ones too
	HighWatermark int64 // the end of the log, as far as consumers may see (last stable offset)
	LogStart      int64 // the log's first offset

	walk
}

// Stream reads one partition in order. Next and SeekTo are for one goroutine;
// Close may be called by another.
type Stream interface {
	// Next returns the next set, which stays valid until the next call of Next. It waits some 20 ms
	// for records: an empty set means that there are none now. OffsetOutOfRange is returned as
	// *OutOfRange. Other errors were not cured by retrying inside, and Next may be called again.
	//
	// What was not read of the set before is passed over, except when its Read failed. Then Next
	// fetches again from the first offset that was not read. If no broker gives a batch that is in
	// the log, this is a *Corrupt too. After Close, Next returns ErrClosed.
	Next(ctx context.Context) (*Set, error)
	// SeekTo makes offset the next one. What was fetched ahead is thrown away.
	SeekTo(offset int64)
	// Close ends the stream. The set lent by Next stays readable.
	Close()
}
