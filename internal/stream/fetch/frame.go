package fetch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
)

var errFrame = errors.New("malformed fetch response")

// frame reads a response off a connection and never beyond it. After an error
// it reads zeros.
type frame struct {
	r    io.Reader
	left int // bytes of the response
	buf  []byte
	err  error
}

// openFrame reads the front of a response, its size and correlation id. buf takes the
// numbers read.
func openFrame(r io.Reader, buf []byte) (f frame, correlation int32) {
	f = frame{r: r, left: 4, buf: buf}
	f.left = int(f.int32())
	return f, f.int32()
}

func (f *frame) take(n int) bool {
	if f.err == nil && (n < 0 || n > f.left) {
		f.err = fmt.Errorf("%w: %d bytes wanted, %d left", errFrame, n, f.left)
	}
	if f.err != nil {
		return false
	}
	f.left -= n
	return true
}

func (f *frame) read(b []byte) {
	if _, err := io.ReadFull(f.r, b); err != nil {
		f.fail(err)
		clear(b)
	}
}

func (f *frame) fixed(n int) []byte {
	b := f.buf[:n]
	if !f.take(n) {
		clear(b)
		return b
	}
	f.read(b)
	return b
}

func (f *frame) int16() int16 { return int16(binary.BigEndian.Uint16(f.fixed(2))) }
func (f *frame) int32() int32 { return int32(binary.BigEndian.Uint32(f.fixed(4))) }
func (f *frame) int64() int64 { return int64(binary.BigEndian.Uint64(f.fixed(8))) }

// count reads the length of an array whose elements take at least size bytes each. A null array has
// none.
func (f *frame) count(size int) int32 {
	n := f.int32()
	if n > 0 && int(n) > f.left/size {
		f.err = fmt.Errorf("%w: %d elements in %d bytes", errFrame, n, f.left)
		return 0
	}
	return max(n, 0)
}

// bytes reads n bytes into a new slice.
func (f *frame) bytes(n int) []byte {
	if !f.take(n) {
		return nil
	}
	b := make([]byte, n)
	f.read(b)
	return b
}

// into reads n bytes into b, or into a larger buffer in its place.
func (f *frame) into(b []byte, n int) []byte {
	if !f.take(n) {
		return b[:0]
	}
	if cap(b) < n {
		b = make([]byte, roomFor(n))
	}
	b = b[:n]
	f.read(b)
	return b
}

func (f *frame) skip(n int) {
	if !f.take(n) {
		return
	}
	if _, err := io.CopyN(io.Discard, f.r, int64(n)); err != nil {
		f.fail(err)
	}
}

func (f *frame) fail(err error) {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	f.err = err
}

// roomFor rounds up, so that a buffer seldom grows again.
func roomFor(n int) int {
	const step = 64 << 10
	if n < step {
		return max(512, 1<<bits.Len(uint(n-1)))
	}
	return (n + step - 1) / step * step
}

// The flexible format: lengths are varints, of arrays and texts one more than
// they have.

func (f *frame) uvarint() int {
	v := 0
	for shift := 0; shift < 28; shift += 7 {
		b := f.fixed(1)[0]
		v |= int(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	if f.err == nil {
		f.err = fmt.Errorf("%w: a length of more than four bytes", errFrame)
	}
	return 0
}

// compact reads the length of an array whose elements take at least size bytes each.
func (f *frame) compact(size int) int {
	n := max(f.uvarint()-1, 0)
	if n > f.left/size && f.err == nil {
		f.err = fmt.Errorf("%w: %d elements in %d bytes", errFrame, n, f.left)
	}
	if f.err != nil {
		return 0
	}
	return n
}

// text passes over a text.
func (f *frame) text() { f.skip(max(f.uvarint()-1, 0)) }

// tags passes over tagged fields.
func (f *frame) tags() {
	for range f.uvarint() {
		if f.err != nil {
			return
		}
		f.uvarint()
		f.skip(f.uvarint())
	}
}
