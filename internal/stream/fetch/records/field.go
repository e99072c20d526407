package records

import (
	"encoding/binary"
	"errors"
	"math"
)

var errRecord = errors.New("record does not fit its batch")

// readHeaders reads n headers, which must take all of b.
func readHeaders(r *Record, b []byte, n int64) error {
	i := 0
	for range n {
		var h Header
		h.Key, i = field(b, i)
		h.Value, i = field(b, i)
		if i > len(b) || h.Key == nil {
			return errRecord
		}
		r.Headers = append(r.Headers, h)
	}
	if i < len(b) {
		return errRecord
	}
	return nil
}

// out is where varint and field stand after a read beyond the end. Every later read of theirs stays
// there, so that one check at the end suffices.
const out = math.MaxInt

// field reads a length and that many bytes at b[i:]. A negative length is null.
func field(b []byte, i int) ([]byte, int) {
	n, i := varint(b, i)
	if n < 0 || i > len(b) {
		return nil, i
	}
	if n > int64(len(b)-i) {
		return nil, out
	}
	end := i + int(n)
	return b[i:end:end], end
}

// varint reads a zigzag varint at b[i:] and returns it and where it ends.
func varint(b []byte, i int) (int64, int) {
	if uint(i) < uint(len(b)) && b[i] < 0x80 {
		return int64(b[i]>>1) ^ -int64(b[i]&1), i + 1
	}
	return longVarint(b, i)
}

func longVarint(b []byte, i int) (int64, int) {
	if uint(i) >= uint(len(b)) {
		return 0, out
	}
	if i+1 < len(b) && b[i+1] < 0x80 { // most lengths of values
		u := int64(b[i]&0x7f) | int64(b[i+1])<<7
		return u>>1 ^ -(u & 1), i + 2
	}
	v, n := binary.Varint(b[i:])
	if n <= 0 {
		return 0, out
	}
	return v, i + n
}
