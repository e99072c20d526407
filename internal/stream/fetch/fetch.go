package fetch

import (
	"context"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
)

// Stream reads one partition in order. Next and SeekTo are for one goroutine;
// Close may be called by another.
type Stream interface {
	// Next returns the next set, which stays valid until the next call of Next. It waits some 20 ms
	// for records: an empty set means that there are none now. OffsetOutOfRange is returned as
	// *OutOfRange. Other errors were not cured by retrying inside, and Next may be called again.
	//
	// What was not read of the set before is passed over, except when its Read failed. Then Next
	// fetches again from the first offset that was not read. If no broker gives a batch that is in
	// the log, this is a *records.Corrupt too. After Close, Next returns ErrClosed.
	Next(ctx context.Context) (*records.Set, error)
	// SeekTo makes offset the next one. What was fetched ahead is thrown away.
	SeekTo(offset int64)
	// Close ends the stream. The set lent by Next stays readable.
	Close()
}
