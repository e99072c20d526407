package fetch

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"

	"github.com/pierrec/lz4/v4"
)

// An LZ4 frame, by lz4_Frame_format.md: magic, flags, block size, optional
// content size and dictionary, header checksum; then blocks behind their
// lengths (the top bit marks a stored one), each with an optional checksum; a
// length of 0 ends it, and an optional checksum of the content follows. The frame is
// taken apart here, so that blocks go straight into our buffer; pierrec's Reader
// copies each through buffers of the frame's block size, mostly 4 MiB. The
// checksums are not looked at: the batch's CRC was.
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

// appendLZ4 appends the frames in src decompressed.
func appendLZ4(dst, src []byte, limit int) ([]byte, error) {
	for len(src) > 0 {
		flags, largest, rest, err := lz4Header(src)
		if err != nil {
			return dst, err
		}
		if dst, src, err = appendLZ4Blocks(dst, rest, flags, largest, limit); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// lz4Header reads a frame's header: its flags and the largest size of a block
// decompressed.
func lz4Header(src []byte) (flags byte, largest int, rest []byte, err error) {
	if len(src) < 7 || binary.LittleEndian.Uint32(src) != lz4Magic {
		return 0, 0, nil, errLZ4
	}
	flags = src[4]
	size := src[5] >> 4 & 7
	if flags>>6 != 1 || flags&lz4Dictionary != 0 || size < 4 {
		return 0, 0, nil, errLZ4
	}
	n := 7
	if flags&lz4ContentSize != 0 {
		n += 8
	}
	if len(src) < n {
		return 0, 0, nil, io.ErrUnexpectedEOF
	}
	return flags, 1 << (8 + 2*size), src[n:], nil
}

// appendLZ4Blocks appends the blocks of one frame and returns what follows it.
func appendLZ4Blocks(dst, src []byte, flags byte, largest, limit int) (_, rest []byte, err error) {
	start := len(dst)
	for {
		if len(src) < 4 {
			return dst, nil, io.ErrUnexpectedEOF
		}
		head := binary.LittleEndian.Uint32(src)
		src = src[4:]
		if head == 0 {
			break
		}
		n, tail := int(head&^lz4Stored), 0
		if flags&lz4BlockChecksum != 0 {
			tail = 4
		}
		if n > len(src)-tail {
			return dst, nil, io.ErrUnexpectedEOF
		}
		from := start
		if flags&lz4Independent != 0 {
			from = len(dst)
		}
		if head&lz4Stored != 0 {
			dst = append(dst, src[:n]...)
		} else if dst, err = appendLZ4Block(dst, src[:n], from, largest); err != nil {
			return dst, nil, err
		}
		if len(dst) > limit {
			return dst, nil, errDecoded
		}
		src = src[n+tail:]
	}
	if flags&lz4Content != 0 {
		if len(src) < 4 {
			return dst, nil, io.ErrUnexpectedEOF
		}
		src = src[4:]
	}
	return dst, src, nil
}

// appendLZ4Block appends one block, which may refer to dst[from:]. A block does
// not tell its size, so that the room is doubled until it fits: no more than
// largest, and no more than its bytes can become.
func appendLZ4Block(dst, src []byte, from, largest int) ([]byte, error) {
	at := len(dst)
	most := min(largest, 255*len(src)+64)
	room := min(most, max(cap(dst)-at, 4*len(src)))
	for {
		dst = slices.Grow(dst, room)
		dict := dst[max(from, at-lz4Window):at]
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
