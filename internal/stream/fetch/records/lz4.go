package records

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"slices"

	"github.com/pierrec/lz4/v4"
)

// An LZ4 frame, by lz4_Frame_format.md: magic, flags, block size, optional content size and
// dictionary, header checksum. Then come blocks, each with its length before it (the top bit marks
// a stored one) and an optional checksum after it. A length of 0 ends the frame, and an optional
// checksum of the content follows.
//
// The frame is taken apart here, so that blocks go straight into our buffer. pierrec's Reader
// copies each through buffers of the frame's block size, mostly 4 MiB. The checksums are not looked
// at: the batch's CRC was.
const (
	lz4Magic         = 0x184D2204
	lz4Independent   = 0x20
	lz4BlockChecksum = 0x10
	lz4ContentSize   = 0x08
	lz4Content       = 0x04
	lz4Dictionary    = 0x01
	lz4Stored        = 1 << 31
	lz4Window        = 64 << 10 // how far back a block may refer, in bytes
)

var errLZ4 = errors.New("lz4: invalid frame")

// unlz4 is a batch in LZ4, of one frame or several.
type unlz4 struct {
	src     []byte
	inside  bool // a frame, with
	flags   byte
	largest int // its blocks decompressed, in bytes
	given   int // bytes of it, as far back as blocks may refer
}

func (z *unlz4) open(src []byte) {
	*z = unlz4{src: src}
}

func (z *unlz4) reach() int { return z.given }
func (z *unlz4) close()     { *z = unlz4{} }

func (z *unlz4) more(_ context.Context, dst []byte, most int) ([]byte, error) {
	for begin := len(dst); ; {
		if !z.inside {
			if len(z.src) == 0 {
				return dst, io.EOF
			}
			if err := z.header(); err != nil {
				return dst, err
			}
		}
		if made := len(dst) - begin; made > 0 && made+z.largest > most {
			return dst, nil
		}
		at := len(dst)
		var err error
		if dst, err = z.block(dst); err != nil {
			return dst, err
		}
		z.given = min(z.given+len(dst)-at, lz4Window)
	}
}

// header reads a frame's header.
func (z *unlz4) header() error {
	if len(z.src) < 7 || binary.LittleEndian.Uint32(z.src) != lz4Magic {
		return errLZ4
	}
	flags, size := z.src[4], z.src[5]>>4&7
	if flags>>6 != 1 || flags&lz4Dictionary != 0 || size < 4 {
		return errLZ4
	}
	n := 7
	if flags&lz4ContentSize != 0 {
		n += 8
	}
	if len(z.src) < n {
		return io.ErrUnexpectedEOF
	}
	z.src, z.inside, z.flags, z.largest, z.given = z.src[n:], true, flags, 1<<(8+2*size), 0
	return nil
}

// block appends the next block of the frame, or ends the frame.
func (z *unlz4) block(dst []byte) ([]byte, error) {
	head, err := z.uint32()
	if err != nil {
		return dst, err
	}
	if head == 0 {
		z.inside, z.given = false, 0
		if z.flags&lz4Content != 0 {
			_, err = z.uint32()
		}
		return dst, err
	}
	n, tail := int(head&^lz4Stored), 0
	if z.flags&lz4BlockChecksum != 0 {
		tail = 4
	}
	if n > len(z.src)-tail {
		return dst, io.ErrUnexpectedEOF
	}
	src := z.src[:n]
	z.src = z.src[n+tail:]
	if head&lz4Stored != 0 {
		return append(dst, src...), nil
	}
	dict := dst[len(dst)-z.given:]
	if z.flags&lz4Independent != 0 {
		dict = nil
	}
	return appendLZ4Block(dst, src, dict, z.largest)
}

func (z *unlz4) uint32() (uint32, error) {
	if len(z.src) < 4 {
		return 0, io.ErrUnexpectedEOF
	}
	v := binary.LittleEndian.Uint32(z.src)
	z.src = z.src[4:]
	return v, nil
}

// appendLZ4Block appends one block, which may refer to dict, the end of dst. A block does not tell
// its size, so the room is doubled until it fits. The room is no more than largest, and no more
// than the block's bytes can become.
func appendLZ4Block(dst, src, dict []byte, largest int) ([]byte, error) {
	at := len(dst)
	most := min(largest, 255*len(src)+64)
	room := min(most, max(cap(dst)-at, 4*len(src)))
	for {
		dst = slices.Grow(dst, room)
		n, err := lz4.UncompressBlockWithDict(src, dst[at:at+room], dict)
		if err == nil {
			return dst[:at+n], nil
		}
		if room == most {
			return dst[:at], err
		}
		room = min(2*room, most)
	}
}
