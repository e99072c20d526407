package records

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"slices"

	"github.com/klauspost/compress/snappy"
)

// Xerial's snappy stream, as Java's producer writes it: this magic, two int32 versions, then
// blocks, each with its length before it as an int32.
var xerialMagic = []byte{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0}

const xerialHeader = 16

// unsnappy is a batch in snappy: a bare block, or Xerial's stream.
type unsnappy struct {
	src   []byte // blocks not begun yet
	bare  bool
	block snappyBlock // the one under way, if it is too large to be decompressed whole
	far   snappyFar   // or this one, if it also refers far back
}

func (s *unsnappy) open(src []byte) {
	s.close()
	s.src, s.bare = src, len(src) < xerialHeader || !bytes.HasPrefix(src, xerialMagic)
	if !s.bare {
		s.src = src[xerialHeader:]
	}
}

func (s *unsnappy) reach() int { return s.block.given }

func (s *unsnappy) close() {
	s.far.end()
	s.src, s.block, s.far.left = nil, snappyBlock{}, 0
}

func (s *unsnappy) more(ctx context.Context, dst []byte, most int) ([]byte, error) {
	for room := most; ; {
		switch {
		case s.far.left > 0:
			out, err := s.far.more(ctx, dst, room)
			if !errors.Is(err, snappy.ErrCorrupt) {
				return out, err
			}
			s.block, s.far.left = newSnappyBlock(s.far.block), 0 // what can be read of a damaged one
			continue
		case s.block.left > 0:
			return s.block.more(dst, room)
		}
		if len(s.src) == 0 {
			return dst, io.EOF
		}
		block, rest, err := s.next()
		if err != nil {
			return dst, err
		}
		n, err := snappyLength(block)
		switch {
		case err != nil:
			return dst, err
		case n > room && room < most:
			return dst, nil // in the next piece
		case n <= room:
			dst, err = appendSnappyBlock(dst, block, n)
		}
		switch {
		case n > room && n <= widestWindow && snappyNeeds(block) > snappyReach:
			s.far.open(block, n)
			n = 0
		case n > room || err != nil: // also of a damaged block what can be read
			s.block, n = newSnappyBlock(block), 0
		}
		s.src, room = rest, room-n
	}
}

// next is the next block, and what follows it.
func (s *unsnappy) next() (block, rest []byte, err error) {
	if s.bare {
		return s.src, nil, nil
	}
	if len(s.src) < 4 {
		return nil, nil, io.ErrUnexpectedEOF
	}
	n, rest := binary.BigEndian.Uint32(s.src), s.src[4:]
	if uint64(n) > uint64(len(rest)) {
		return nil, nil, io.ErrUnexpectedEOF
	}
	return rest[:n], rest[n:], nil
}

// snappyLength is how long a block becomes. It is no more than its elements can give; the best
// element makes 64 bytes of three.
func snappyLength(block []byte) (int, error) {
	n, err := snappy.DecodedLen(block)
	if err == nil && n > 64*(len(block)/3+1) {
		err = snappy.ErrCorrupt
	}
	return n, err
}

// appendSnappyBlock appends a whole block, which becomes n bytes.
func appendSnappyBlock(dst, block []byte, n int) ([]byte, error) {
	at := len(dst)
	dst = slices.Grow(dst, n)[:at+n]
	if n == 0 { // snappy.Decode would make a buffer of its own
		return dst, nil
	}
	if _, err := snappy.Decode(dst[at:], block); err != nil {
		return dst[:at], err
	}
	return dst, nil
}

// snappyReach is how far back the elements of a block that is decompressed piece by piece may
// refer, in bytes. Most writers refer no further than within 64 KiB. franz-go's writer does, as the
// format allows, up to the start of the block (snappyFar).
const snappyReach = 4 << 20

// snappyNeeds is how far back the elements of a block refer, as far as these are sound.
func snappyNeeds(block []byte) (most int) {
	for b := newSnappyBlock(block); b.left > 0 && b.element(); b.run = 0 {
		if b.offset == 0 {
			b.src = b.src[b.run:]
		}
		most, b.left, b.given = max(most, b.offset), b.left-b.run, b.given+b.run
	}
	return most
}

// snappyFar is a large block that refers far back: it is decompressed whole, as long as there is room for it.
type snappyFar struct {
	block []byte
	left  int // bytes that are still to come of it
	windowed
}

func (f *snappyFar) open(block []byte, n int) {
	f.block, f.left = block, n
	f.start(int64(n), f)
}

// decode is windowSource's.
func (f *snappyFar) decode(window int64) (io.ReadCloser, error) {
	whole, err := snappy.Decode(make([]byte, window), f.block)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(whole)), nil
}

func (f *snappyFar) more(ctx context.Context, dst []byte, most int) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	most = min(most, f.left)
	dst = slices.Grow(dst, most)
	n, err := f.read(ctx, dst[len(dst):len(dst)+most])
	f.given += int64(n)
	if f.left -= n; f.left == 0 {
		f.giveUp()
		f.block = nil
	}
	return dst[:len(dst)+n], err
}

// snappyBlock is a large block, decompressed piece by piece: a length, then elements, which are literals or
// copies of what was before.
type snappyBlock struct {
	src    []byte // elements not begun yet
	left   int    // bytes that are still to come of it
	given  int    // of it, as far back as elements may refer
	run    int    // bytes that are still to come of the element under way
	offset int    // how far back it copies from; 0: it is a literal
}

// newSnappyBlock begins a block whose length snappyLength has found.
func newSnappyBlock(block []byte) snappyBlock {
	n, size := binary.Uvarint(block)
	return snappyBlock{src: block[size:], left: int(n)}
}

func (b *snappyBlock) more(dst []byte, most int) ([]byte, error) {
	dst = slices.Grow(dst, min(most, b.left))
	for end := len(dst) + most; b.left > 0 && len(dst) < end; {
		if b.run == 0 && !b.element() {
			return dst, snappy.ErrCorrupt
		}
		n := min(b.run, end-len(dst))
		if b.offset == 0 {
			dst, b.src = append(dst, b.src[:n]...), b.src[n:]
		} else {
			dst = appendCopy(dst, b.offset, n)
		}
		b.run, b.left, b.given = b.run-n, b.left-n, min(b.given+n, snappyReach)
	}
	if b.left == 0 {
		b.given = 0
		if len(b.src) > 0 {
			return dst, snappy.ErrCorrupt
		}
	}
	return dst, nil
}

// element begins the next element, and reports whether it is sound.
func (b *snappyBlock) element() bool {
	if len(b.src) == 0 {
		return false
	}
	tag := int(b.src[0])
	b.src = b.src[1:]
	switch tag & 3 {
	case 0:
		b.offset, b.run = 0, tag>>2
		if extra := b.run - 59; extra > 0 {
			b.run = b.number(extra)
		}
		b.run++
		return b.run >= 1 && b.run <= min(b.left, len(b.src))
	case 1:
		b.run, b.offset = 4+tag>>2&7, tag>>5<<8|b.number(1)
	case 2:
		b.run, b.offset = 1+tag>>2, b.number(2)
	default:
		b.run, b.offset = 1+tag>>2, b.number(4)
	}
	return b.offset >= 1 && b.offset <= b.given && b.run <= b.left
}

// number takes a number of n bytes, the lowest first; negative, if there are not so many.
func (b *snappyBlock) number(n int) int {
	if len(b.src) < n {
		return -1 << 40
	}
	v := 0
	for i, x := range b.src[:n] {
		v |= int(x) << (8 * i)
	}
	b.src = b.src[n:]
	return v
}

// appendCopy appends n bytes of what dst has offset bytes before its end, those included that it appends.
func appendCopy(dst []byte, offset, n int) []byte {
	for from := len(dst) - offset; n > 0; {
		some := min(n, len(dst)-from)
		dst = append(dst, dst[from:from+some]...)
		n -= some
	}
	return dst
}
