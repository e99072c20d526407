package records

import (
	"errors"
	"fmt"
)

// pastEnd is how far a batch may lie after the end of the log that the broker reports, in offsets.
// What is written meanwhile comes along.
const pastEnd = 1 << 20

// scan reads the headers of the batches in raw. They were asked for from offset from on, of a log
// that ended at about the offset end (0: it is not known). scan returns the offset after the last
// whole batch and the bytes these batches take. It also returns what is wrong with the batch after
// them, if anything.
//
// A batch cut off at the end is no fault. Nor is a huge batch if the broker gave all it was asked
// for (cut): it comes alone once it is the first of a request. No CRC protects a batch's offset. If
// two batches do not follow each other, the fault is with the batch that does not follow what is
// before it.
func scan(raw []byte, from, end int64, cut bool) (next int64, whole int, err error) {
	next = from
	before, size := from, 0 // next and whole before the last batch
	first, last := int64(-1), int64(-1)
	for whole < len(raw) {
		h, err := parseBatch(raw[whole:])
		switch {
		case errors.Is(err, errShort), errors.Is(err, errHuge) && cut:
			return next, whole, nil
		case err != nil:
			return next, whole, err
		case end > 0 && h.first > end+pastEnd:
			return next, whole, fmt.Errorf("batch of offset %d in a log that ends at %d", h.first, end)
		case h.first <= last && first > before && h.first >= before:
			return before, size, fmt.Errorf("batch of offset %d stands before offset %d", first, h.first)
		case h.first <= last:
			return next, whole, fmt.Errorf("batch of offset %d stands behind offset %d", h.first, last)
		}
		before, size = next, whole
		first, last = h.first, h.last
		next = max(next, h.last+1)
		whole += h.size
	}
	return next, whole, nil
}
