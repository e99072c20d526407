package fetch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"time"

	"github.com/segmentio/kafka-go"
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

// readResponse reads the response's frame into the parts.
func (x *exchange) readResponse(r io.Reader) error {
	f, id := openFrame(r, x.in[:])
	if f.err == nil && id != x.id {
		return fmt.Errorf("%w: answers request %d, not %d", errFrame, id, x.id)
	}
	x.throttle = time.Duration(f.int32()) * time.Millisecond
	code := f.int16()
	f.int32() // session id
	for range f.count(6) {
		x.readTopic(&f)
	}
	if f.err == nil && f.left != 0 {
		f.err = fmt.Errorf("%w: %d bytes too many", errFrame, f.left)
	}
	if f.err == nil && code != 0 {
		f.err = kafka.Error(code)
	}
	return f.err
}

func (x *exchange) readTopic(f *frame) {
	topic := string(f.bytes(int(f.int16())))
	for range f.count(4) {
		if f.err != nil {
			return
		}
		id := f.int32()
		p := x.part(topic, id)
		if p == nil && f.err == nil {
			f.err = fmt.Errorf("%w: answers %s/%d, which was not asked for or twice", errFrame, topic, id)
		}
		if f.err != nil {
			return
		}
		f.part(p)
	}
}

// part returns the partition asked for and not answered yet. The search begins after the last
// answered one, since brokers mostly answer in the order asked.
func (x *exchange) part(topic string, id int32) *part {
	for range x.parts {
		p := &x.parts[x.next%len(x.parts)]
		x.next++
		if !p.answered && p.id == id && p.topic == topic {
			return p
		}
	}
	return nil
}

// part reads one partition's answer.
func (f *frame) part(p *part) {
	p.answered = true
	code := f.int16()
	f.int64() // the high watermark of those who read what is not committed too
	p.set.HighWatermark = f.int64()
	p.set.LogStart = f.int64()
	p.set.txns.list = p.set.txns.list[:0]
	for range f.count(16) {
		t := txn{producer: f.int64(), first: f.int64()}
		p.set.txns.list = append(p.set.txns.list, t)
	}
	f.int32() // preferred replica: no rack was named
	size := max(0, int(f.int32()))
	if code != 0 {
		p.err = kafka.Error(code)
	}
	switch {
	case p.err != nil:
		f.skip(size)
	case size > max(int(p.limit), maxBatch+batchPrefix):
		p.set.buf, p.set.oversized = f.into(p.set.buf, batchHeader), size
		f.skip(size - batchHeader)
	default:
		p.set.buf = f.into(p.set.buf, size)
	}
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
