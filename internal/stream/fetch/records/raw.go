package records

import (
	"encoding/binary"
	"errors"
)

// Raw is a record set as it came.
type Raw struct {
	Bytes     []byte    // batches, the last of which may be cut off; the next fetch reuses them
	Aborted   []Aborted // transactions aborted in it, in any order
	Cut       bool      // the broker may have more of what comes last: it gave all it was asked for, or others were before
	Oversized int       // above 0: Bytes is only the header of what came, which takes so many bytes
}

// Aborted is a transaction that was aborted.
type Aborted struct {
	Producer int64
	First    int64 // offset of its first record
}

// Reset empties it.
func (r *Raw) Reset() {
	r.Bytes, r.Aborted, r.Oversized = r.Bytes[:0], r.Aborted[:0], 0
}

// Keep notes that size bytes come, of limit asked for, and returns how many of them are to be kept in Bytes: all, or
// the header of a batch that is too large.
func (r *Raw) Keep(size, limit int) int {
	if size <= max(limit, MaxBatch+batchPrefix) {
		return size
	}
	r.Oversized = size
	return batchHeader
}

// A topic may take batches that are larger than MaxBatch (max.message.bytes). They are not held in
// memory. Only the header is read, which says what offsets the batch has. The batch is handed out
// as one record with a Fault.

var errNoHeader = errors.New("a record set that is too large does not begin with a batch")

// oversized reads the header of a batch that is too large, of a log that ends at about the offset end. A broker gives
// just that batch then; if it gave something else, the length is damaged.
func (r *Raw) oversized(from, end int64) (*batch, error) {
	b := r.Bytes
	if len(b) < batchHeader || b[batchMagicAt] != 2 || batchPrefix+int(int32(binary.BigEndian.Uint32(b[batchLengthAt:]))) != r.Oversized {
		return nil, errNoHeader
	}
	h, err := parseWhole(b[:batchHeader])
	if err != nil || h.last < from || end > 0 && h.first > end+pastEnd {
		return nil, errNoHeader
	}
	return &h, nil
}
