package windows

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Errors of DecodeSubject and Load.
var (
	// ErrCorrupt is wrapped by the error for bytes that no version of this program wrote.
	ErrCorrupt = errors.New("corrupt bytes")
	// ErrNewer is wrapped by the error for a record of a form that this version of the program does not know. It is an
	// ErrCorrupt too: damage may look like that.
	ErrNewer = fmt.Errorf("a form that this version does not know: %w", ErrCorrupt)
	// ErrMissingPart is wrapped by the error for a part that is absent, or that is not the part the
	// record speaks of. If the record in the store still has the version that was decoded, then the
	// store lost something. Otherwise another process wrote between the two reads.
	ErrMissingPart = errors.New("missing part")
)

// decoder reads fields from the front of b. After the first fault it reads
// zeros, and err says what the fault was.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), ErrCorrupt)
	}
	d.b = nil
}

// newer fails at what only a later version can have written.
func (d *decoder) newer(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), ErrNewer)
	}
	d.b = nil
}

// take reads n bytes, which stay those of the input.
func (d *decoder) take(n int) []byte {
	if n > len(d.b) {
		d.fail("%d bytes of %d", len(d.b), n)
		return nil
	}
	b := d.b[:n:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) uint64() uint64 {
	if b := d.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// uvarint reads a number of at most limit, in its shortest form. What is carried along for another
// pack must be written as it was read.
func (d *decoder) uvarint(limit uint64) uint64 {
	x, n := binary.Uvarint(d.b)
	if n <= 0 || n > 1 && d.b[n-1] == 0 || x > limit {
		d.fail("bad number")
		return 0
	}
	d.b = d.b[n:]
	return x
}

// varint reads a number with a sign.
func (d *decoder) varint() int64 {
	x := d.uvarint(1<<64 - 1)
	return int64(x>>1) ^ -int64(x&1)
}

// count reads a number of things of at least size bytes each, which the rest
// of the input must be able to hold.
func (d *decoder) count(size int) int {
	return int(d.uvarint(uint64(len(d.b) / size)))
}

// end fails if anything is left.
func (d *decoder) end() {
	if len(d.b) > 0 {
		d.fail("%d bytes too many", len(d.b))
	}
}
