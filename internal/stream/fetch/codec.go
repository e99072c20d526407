package fetch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
)

// The codecs a batch's attributes name.
const (
	codecNone = iota
	codecGzip
	codecSnappy
	codecLZ4
	codecZstd
)

// keepDecoded is how large a buffer for a decompressed batch may stay, in bytes.
const keepDecoded = 4 << 20

var errDecoded = errors.New("batch is too large when decompressed")

// decoder decompresses one batch at a time into a buffer of its own.
type decoder struct {
	dst   []byte
	limit int // of what a batch may become, in bytes: maxBatch
	src   bytes.Reader
	gzip  *gzip.Reader
}

func newDecoder() *decoder { return &decoder{limit: maxBatch} }

// decode returns src decompressed, valid until the next call.
func (d *decoder) decode(codec int16, src []byte) ([]byte, error) {
	if codec == codecNone {
		return src, nil
	}
	if cap(d.dst) > keepDecoded {
		d.dst = nil
	}
	var err error
	switch codec {
	case codecGzip:
		d.dst, err = d.gunzip(d.dst[:0], src)
	case codecSnappy:
		d.dst, err = appendSnappy(d.dst[:0], src, d.limit)
	case codecLZ4:
		d.dst, err = appendLZ4(d.dst[:0], src, d.limit)
	case codecZstd:
		d.dst, err = d.unzstd(d.dst[:0], src)
	default:
		return nil, fmt.Errorf("unknown compression codec %d", codec)
	}
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	return d.dst, nil
}

func (d *decoder) gunzip(dst, src []byte) ([]byte, error) {
	d.src.Reset(src)
	if d.gzip == nil {
		z, err := gzip.NewReader(&d.src)
		if err != nil {
			return dst, err
		}
		d.gzip = z
	} else if err := d.gzip.Reset(&d.src); err != nil {
		return dst, err
	}
	for {
		if len(dst) == cap(dst) {
			dst = slices.Grow(dst, max(4*len(src), 1024))
		}
		n, err := d.gzip.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		if len(dst) > d.limit {
			return dst, errDecoded
		}
		if errors.Is(err, io.EOF) {
			return dst, nil
		}
		if err != nil {
			return dst, err
		}
	}
}

// sharedZstd serves all streams: DecodeAll may be called by several goroutines
// and starts none, and a decoder's tables are too large to have one a partition.
var sharedZstd = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxBatch))
})

func (d *decoder) unzstd(dst, src []byte) ([]byte, error) {
	z, err := sharedZstd()
	if err != nil {
		return dst, err
	}
	return z.DecodeAll(src, dst)
}

// Xerial's snappy stream, as Java's producer writes it: this magic, two int32
// versions, then blocks, each behind its length as an int32.
var xerialMagic = []byte{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0}

const xerialHeader = 16

// appendSnappy appends src decompressed: a bare block, or Xerial's stream.
func appendSnappy(dst, src []byte, limit int) ([]byte, error) {
	if len(src) < xerialHeader || !bytes.HasPrefix(src, xerialMagic) {
		return appendSnappyBlock(dst, src, limit)
	}
	src = src[xerialHeader:]
	for len(src) > 0 {
		if len(src) < 4 {
			return dst, io.ErrUnexpectedEOF
		}
		n := binary.BigEndian.Uint32(src)
		src = src[4:]
		if uint64(n) > uint64(len(src)) {
			return dst, io.ErrUnexpectedEOF
		}
		var err error
		if dst, err = appendSnappyBlock(dst, src[:n], limit); err != nil {
			return dst, err
		}
		src = src[n:]
	}
	return dst, nil
}

func appendSnappyBlock(dst, src []byte, limit int) ([]byte, error) {
	n, err := snappy.DecodedLen(src)
	if err != nil {
		return dst, err
	}
	if n > limit-len(dst) {
		return dst, errDecoded
	}
	at := len(dst)
	dst = slices.Grow(dst, n)[:at+n]
	if n == 0 { // snappy.Decode would make a buffer of its own
		return dst, nil
	}
	if _, err := snappy.Decode(dst[at:], src); err != nil {
		return dst[:at], err
	}
	return dst, nil
}
